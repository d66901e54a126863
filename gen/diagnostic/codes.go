package diagnostic

// Code names a kind of mistake: IF and four digits, the first two of which are the area. A code keeps its meaning for ever, and
// a code that was given up is never given to another mistake. Each code has a section in docs/reference/diagnostics.md.
type Code string

// In general.
const (
	TooMany Code = "IF0001"
)

// Files and YAML.
const (
	FileTooLarge     Code = "IF0101"
	EmptyFile        Code = "IF0102"
	SecondDocument   Code = "IF0103"
	NotUTF8          Code = "IF0104"
	ControlCharacter Code = "IF0105"
	NotYAML          Code = "IF0106"
	TabIndent        Code = "IF0107"
	ForeignType      Code = "IF0108"
	NeedsQuotes      Code = "IF0109"
	OpenQuote        Code = "IF0110"
	NoSpace          Code = "IF0111"
	StrayListItem    Code = "IF0112"
	Brackets         Code = "IF0113"
	NoColon          Code = "IF0114"
	WrongIndent      Code = "IF0115"
	UnknownAlias     Code = "IF0116"
	TooManyAliases   Code = "IF0117"
	BadMerge         Code = "IF0118"
	TooManyEntries   Code = "IF0119"
	DuplicateKey     Code = "IF0120"
	OddLineBreak     Code = "IF0121"
	OddTag           Code = "IF0122"
)

// Keys and values.
const (
	FormatVersion Code = "IF0201"
	UnknownKey    Code = "IF0202"
	NotMapping    Code = "IF0203"
	NotList       Code = "IF0204"
	NotText       Code = "IF0205"
	NotName       Code = "IF0206"
	NotASCII      Code = "IF0207"
	NotBoolean    Code = "IF0208"
	NotNumber     Code = "IF0209"
	BadDuration   Code = "IF0210"
)

// Names.
const (
	NameForm            Code = "IF0301"
	LongName            Code = "IF0302"
	ReservedName        Code = "IF0303"
	DuplicateName       Code = "IF0304"
	IdentifierCollision Code = "IF0305"
	Undeclared          Code = "IF0306"
	ListedTwice         Code = "IF0307"
	StoredForm          Code = "IF0308"
	StoredCollision     Code = "IF0309"
)

// Types and fields.
const (
	BadType        Code = "IF0401"
	UnknownType    Code = "IF0402"
	NoType         Code = "IF0403"
	LargeType      Code = "IF0404"
	EmptyEnum      Code = "IF0405"
	BadGoType      Code = "IF0406"
	DoubleOptional Code = "IF0407"
	RecursiveType  Code = "IF0408"
	ReservedField  Code = "IF0409"
	DuplicateField Code = "IF0410"
	FieldCollision Code = "IF0411"
	LargeStruct    Code = "IF0414"
	UnionType      Code = "IF0415"
	BadDefault     Code = "IF0416"
	WasNotBefore   Code = "IF0417"
	PersonalType   Code = "IF0418"
	PersonalKey    Code = "IF0419"
	BadSubject     Code = "IF0420"
	PlainCopy      Code = "IF0421"
)

// Workflow and instances.
const (
	NoWorkflowName  Code = "IF0501"
	NoPackageName   Code = "IF0502"
	NoInputs        Code = "IF0503"
	NoEvents        Code = "IF0504"
	NoID            Code = "IF0505"
	NoIDField       Code = "IF0506"
	IDNotString     Code = "IF0507"
	UniqueTwice     Code = "IF0508"
	NoUniqueField   Code = "IF0509"
	UniqueNotString Code = "IF0510"
	BadSender       Code = "IF0511"
	NoSearchField   Code = "IF0521"
	SearchType      Code = "IF0522"
	ExternalParts   Code = "IF0523"
)

// Effects.
const (
	RetryRange         Code = "IF0601"
	PriorityRange      Code = "IF0602"
	EmptyLimit         Code = "IF0603"
	HalfLimit          Code = "IF0604"
	LimitUnreached     Code = "IF0605"
	LimitKey           Code = "IF0606"
	TwoPurposes        Code = "IF0607"
	DeliveryIncomplete Code = "IF0608"
	EndedNoStarts      Code = "IF0609"
	DeadFields         Code = "IF0610"
	EndedFields        Code = "IF0611"
	NoSuchInput        Code = "IF0612"
	DeliveryFields     Code = "IF0613"
	ChildNotFirst      Code = "IF0614"
	EmptyReturns       Code = "IF0615"
	RefusedNoSends     Code = "IF0616"
	RefusedFields      Code = "IF0617"
	NoParent           Code = "IF0618"
	ExternalTarget     Code = "IF0619"
)

// Timers and schedules.
const (
	TimerNoInput     Code = "IF0701"
	WhileNoDelay     Code = "IF0702"
	WhileNoStates    Code = "IF0703"
	TimerInTerminal  Code = "IF0704"
	TimerInputFields Code = "IF0705"
	TimerNeverStarts Code = "IF0706"
	TimerNotHeard    Code = "IF0707"
	NoSchedule       Code = "IF0708"
	BadSchedule      Code = "IF0709"
	NeverFires       Code = "IF0710"
	BadZone          Code = "IF0711"
	BadMissed        Code = "IF0712"
	AfterAndSchedule Code = "IF0713"
	ScheduledFields  Code = "IF0714"
	BadInstance      Code = "IF0715"
	FiringNotFirst   Code = "IF0716"
)

// States.
const (
	InputTwice        Code = "IF0801"
	TwoTargets        Code = "IF0802"
	RejectWithMore    Code = "IF0803"
	NoEventHere       Code = "IF0804"
	RejectionFields   Code = "IF0805"
	TerminalAccepts   Code = "IF0806"
	DeadEnd           Code = "IF0807"
	InitialTerminal   Code = "IF0808"
	Unreachable       Code = "IF0809"
	ResultNotAccepted Code = "IF0810"
	UnusedEffect      Code = "IF0811"
	UnusedInput       Code = "IF0812"
	UnusedEvent       Code = "IF0813"
	UnusedTimer       Code = "IF0814"
	RetiredUsed       Code = "IF0815"
	BadWait           Code = "IF0816"
	NoWait            Code = "IF0817"
)

// Packages and generated files.
const (
	SharedDirectory  Code = "IF0901"
	PackageMismatch  Code = "IF0902"
	FileTaken        Code = "IF0903"
	StaleFile        Code = "IF0904"
	MissingFile      Code = "IF0905"
	OrphanedFile     Code = "IF0906"
	BrokenFile       Code = "IF0910"
	MissingMethods   Code = "IF0911"
	ChangedSignature Code = "IF0912"
	LeftoverMethod   Code = "IF0913"
	TakenName        Code = "IF0914"
	ForeignFile      Code = "IF0915"
	HiddenName       Code = "IF0916"
)

// Annotated Go types.
const (
	UnknownDirective       Code = "IF1001"
	MisplacedDirective     Code = "IF1002"
	DirectiveSyntax        Code = "IF1003"
	NoWorkflowDirective    Code = "IF1004"
	StatusConstant         Code = "IF1005"
	NoStatusField          Code = "IF1006"
	NotStored              Code = "IF1007"
	FieldTag               Code = "IF1008"
	UnsupportedGoType      Code = "IF1009"
	GoError                Code = "IF1010"
	OnlyInGo               Code = "IF1011"
	ConstrainedDeclaration Code = "IF1015"
)

// Code for a workflow.
const (
	VetClock       Code = "IF2001"
	VetRandom      Code = "IF2002"
	VetOutside     Code = "IF2003"
	VetConcurrency Code = "IF2004"
	VetGlobals     Code = "IF2005"
	VetMapOrder    Code = "IF2006"
	VetDecision    Code = "IF2008"
	VetEvolver     Code = "IF2010"
	VetHandler     Code = "IF2011"
	VetIdempotency Code = "IF2012"
	VetOutcome     Code = "IF2013"
	VetUnfinished  Code = "IF2014"
	VetIgnore      Code = "IF2015"
)

// The lock.
const (
	LockFormat    Code = "IF3001"
	LockConflict  Code = "IF3002"
	LockTruncated Code = "IF3003"
	LockForeign   Code = "IF3004"
	LockEdited    Code = "IF3005"
	LockTwice     Code = "IF3006"
	BadAllowance  Code = "IF3007"
	NoEarlier     Code = "IF3008"
	LockNotFile   Code = "IF3009"
)

// Changes: stored events.
const (
	EventRemoved   Code = "IF3101"
	NameReused     Code = "IF3102"
	FieldRemoved   Code = "IF3103"
	FieldRetyped   Code = "IF3104"
	FieldAdded     Code = "IF3105"
	ValueRemoved   Code = "IF3106"
	DefaultChanged Code = "IF3107"
	VersionOrder   Code = "IF3108"

	PersonalChanged Code = "IF3109"
)

// Changes: identity.
const (
	WorkflowGone    Code = "IF3201"
	IDChanged       Code = "IF3202"
	UniqueChanged   Code = "IF3203"
	LimitKeyChanged Code = "IF3204"
	EffectTarget    Code = "IF3205"
)

// Changes: rows in flight.
const (
	EffectRemoved    Code = "IF3301"
	EffectFields     Code = "IF3302"
	InputRemoved     Code = "IF3303"
	InputFields      Code = "IF3304"
	TimerRemoved     Code = "IF3305"
	ScheduleChanged  Code = "IF3306"
	RetryLowered     Code = "IF3307"
	RejectionChanged Code = "IF3308"
)

// Changes: replay.
const (
	StateRemoved      Code = "IF3401"
	MoveChanged       Code = "IF3402"
	CompletionChanged Code = "IF3403"
	NoLongerAccepted  Code = "IF3404"
	TimerShortened    Code = "IF3405"
	MachineChanged    Code = "IF3406"
	Reopened          Code = "IF3407"
)

// Changes: readers.
const (
	HTTPChanged    Code = "IF3501"
	ClientsChanged Code = "IF3502"
)

// Changes: the order of a deploy.
const (
	DeployOrder Code = "IF3601"
	LeftWaiting Code = "IF3602"
)
