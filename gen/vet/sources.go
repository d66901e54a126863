package vet

import (
	"go/types"
	"regexp"
	"strings"
)

// kind is what a function reaches besides its arguments.
type kind int

const (
	readsClock kind = iota
	waits
	drawsRandomness
	readsEnvironment
	readsZone
	reachesOutside
	takesContext
	asksEngine
	endsProcess
	runsConcurrently
	touchesGlobals
	changesReceiver
	followsMapOrder
	decides
	sleeps
	dropsContext
	takesNoContext
	kinds // their number
)

// analyzer is the name of the pass that reports the kind to deciders and evolvers. Those of handlers come last.
func (k kind) analyzer() string {
	return [kinds]string{"clock", "clock", "random", "outside", "outside", "outside", "outside", "outside", "outside",
		"concurrency", "globals", "globals", "maporder", "evolver", "handler", "handler", "handler"}[k]
}

// spreads reports whether a kind is of interest to other packages. What a decider's own type keeps is not, and a handler is
// not to answer for the rest of the module.
func (k kind) spreads() bool { return k != changesReceiver && k < sleeps }

// sources are functions and variables of the standard library and of a few well-known modules, by package and name. A
// method is Type.Name; Type.* stands for all methods of a type.
var sources = map[string]table{
	"time": named(readsClock, "Now Since Until").
		and(waits, "After AfterFunc NewTicker NewTimer Sleep Tick").
		and(readsZone, "Local Time.Local"),
	"context": named(takesContext, "Background TODO").
		and(waits, "WithDeadline WithDeadlineCause WithTimeout WithTimeoutCause"),
	"math/rand": named(drawsRandomness, `ExpFloat64 Float32 Float64 Int Int31 Int31n Int63 Int63n Intn NormFloat64 Perm Read Seed
		Shuffle Uint32 Uint64`),
	"math/rand/v2": named(drawsRandomness, `ExpFloat64 Float32 Float64 Int Int32 Int32N Int64 Int64N IntN N NormFloat64 Perm
		Shuffle Uint Uint32 Uint32N Uint64 Uint64N UintN`),
	"crypto/rand":  named(drawsRandomness, "Int Prime Read Reader Text"),
	"hash/maphash": named(drawsRandomness, "MakeSeed"),
	"os": named(readsEnvironment, `Args Clearenv Environ Executable ExpandEnv Getegid Getenv Geteuid Getgid Getgroups Getpid
		Getppid Getuid Getwd Hostname LookupEnv Setenv TempDir Unsetenv UserCacheDir UserConfigDir UserHomeDir`).
		and(endsProcess, "Exit").
		and(reachesOutside, `Chdir Chmod Chown Chtimes CopyFS Create CreateTemp DirFS FindProcess Lchown Link Lstat Mkdir MkdirAll
		MkdirTemp NewFile Open OpenFile OpenInRoot OpenRoot Pipe ReadDir ReadFile Readlink Remove RemoveAll Rename StartProcess
		Stat Stdin Symlink Truncate WriteFile File.* Process.* Root.*`),
	"os/exec":   named(reachesOutside, "Command CommandContext LookPath Cmd.*"),
	"os/user":   named(readsEnvironment, "Current Lookup LookupGroup LookupGroupId LookupId User.GroupIds"),
	"os/signal": named(reachesOutside, "Ignore Ignored Notify NotifyContext Reset Stop"),
	"io/ioutil": named(reachesOutside, "ReadDir ReadFile TempDir TempFile WriteFile"),
	"path/filepath": named(reachesOutside, "EvalSymlinks Glob Walk WalkDir").
		and(readsEnvironment, "Abs"),
	"flag":          named(readsEnvironment, "Arg Args NArg NFlag Parse Parsed"),
	"runtime":       named(readsEnvironment, "GOMAXPROCS NumCPU NumCgoCall NumGoroutine ReadMemStats").and(runsConcurrently, "Gosched Goexit"),
	"runtime/debug": named(readsEnvironment, "ReadBuildInfo ReadGCStats"),
	"fmt":           named(reachesOutside, "Scan Scanf Scanln"),
	"log":           named(endsProcess, "Fatal Fatalf Fatalln Logger.Fatal Logger.Fatalf Logger.Fatalln"),
	"net": named(reachesOutside, `Dial DialIP DialTCP DialTimeout DialUDP DialUnix FileConn FileListener InterfaceAddrs
		InterfaceByIndex InterfaceByName Interfaces Listen ListenIP ListenMulticastUDP ListenPacket ListenTCP ListenUDP ListenUnix
		ListenUnixgram LookupAddr LookupCNAME LookupHost LookupIP LookupMX LookupNS LookupPort LookupSRV LookupTXT ResolveIPAddr
		ResolveTCPAddr ResolveUDPAddr Dialer.* Resolver.* ListenConfig.* TCPConn.* UDPConn.* IPConn.* UnixConn.*`),
	"net/http": named(reachesOutside, `DefaultClient DefaultTransport Get Head ListenAndServe ListenAndServeTLS Post PostForm Serve
		ServeTLS Client.Do Client.Get Client.Head Client.Post Client.PostForm Server.* Transport.RoundTrip`),
	"net/rpc":      named(reachesOutside, "Dial DialHTTP DialHTTPPath Client.*"),
	"net/smtp":     named(reachesOutside, "Dial SendMail Client.*"),
	"crypto/tls":   named(reachesOutside, "Dial DialWithDialer Listen Dialer.*"),
	"database/sql": named(reachesOutside, "Open OpenDB Conn.* DB.* Row.Scan Rows.* Stmt.* Tx.*"),
	"plugin":       named(reachesOutside, "Open"),
	"sync":         named(runsConcurrently, "Cond.* WaitGroup.*"),

	runtimePath: named(asksEngine, "Execute LoadHistory LoadState LoadStateAt NewEngine Engine.*"),

	"golang.org/x/sync/errgroup":     named(runsConcurrently, "Group.*"),
	"google.golang.org/grpc":         named(reachesOutside, "Dial DialContext NewClient ClientConn.*"),
	"gorm.io/gorm":                   named(reachesOutside, "DB.*"),
	"github.com/gofrs/uuid":          named(drawsRandomness, "NewV1 NewV4 NewV6 NewV7"),
	"github.com/google/uuid":         named(drawsRandomness, "New NewRandom NewString NewUUID NewV6 NewV7"),
	"github.com/jackc/pgx":           named(reachesOutside, "Connect ConnectConfig Conn.*"),
	"github.com/jackc/pgx/pgxpool":   named(reachesOutside, "New NewWithConfig Conn.* Pool.* Tx.*"),
	"github.com/jmoiron/sqlx":        named(reachesOutside, "Connect Open DB.* Stmt.* Tx.*"),
	"github.com/lithammer/shortuuid": named(drawsRandomness, "New"),
	"github.com/matoous/go-nanoid":   named(drawsRandomness, "Generate MustGenerate Must New"),
	"github.com/oklog/ulid":          named(drawsRandomness, "DefaultEntropy Make").and(readsClock, "Now"),
	"github.com/redis/go-redis":      named(reachesOutside, "Client.* NewClient"),
	"github.com/rs/xid":              named(drawsRandomness, "New NewWithTime"),
	"github.com/satori/go.uuid":      named(drawsRandomness, "NewV1 NewV4"),
	"github.com/segmentio/ksuid":     named(drawsRandomness, "New NewRandom NewRandomWithTime"),
	"github.com/sirupsen/logrus":     named(endsProcess, "Exit Fatal Fatalf Fatalln"),
}

// contextFree are the functions that reach outside and take no context, though there are others that do.
var contextFree = map[string]table{
	"net/http": named(takesNoContext, "Get Head NewRequest Post PostForm Client.Get Client.Head Client.Post Client.PostForm"),
	"net":      named(takesNoContext, "Dial DialTimeout LookupAddr LookupCNAME LookupHost LookupIP LookupMX LookupNS LookupSRV LookupTXT"),
	"os/exec":  named(takesNoContext, "Command"),
	"database/sql": named(takesNoContext, `DB.Begin DB.Exec DB.Ping DB.Prepare DB.Query DB.QueryRow Stmt.Exec Stmt.Query
		Stmt.QueryRow Tx.Exec Tx.Prepare Tx.Query Tx.QueryRow`),
}

// table maps names to kinds.
type table map[string]kind

func named(k kind, names string) table { return table{}.and(k, names) }

func (t table) and(k kind, names string) table {
	for name := range strings.FieldsSeq(names) {
		t[name] = k
	}
	return t
}

// majorVersion is the part of an import path that names a module's major version.
var majorVersion = regexp.MustCompile(`/v[0-9]+(/|$)`)

// sourceOf returns the kind of a function or variable of another module.
func sourceOf(obj types.Object) (kind, bool) {
	if obj.Pkg() == nil {
		return 0, false
	}
	path := obj.Pkg().Path()
	table, ok := sources[path]
	if !ok {
		if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
			return 0, false
		}
		if table, ok = sources[majorVersion.ReplaceAllString(path, "$1")]; !ok {
			return 0, false
		}
	}
	return table.of(obj)
}

// of returns the kind of an object of the table's package.
func (t table) of(obj types.Object) (kind, bool) {
	if f, ok := obj.(*types.Func); ok {
		if recv := receiverName(f); recv != "" {
			k, ok := t[recv+"."+f.Name()]
			if !ok {
				k, ok = t[recv+".*"]
			}
			return k, ok
		}
	}
	if v, ok := obj.(*types.Var); ok && !isPackageVar(v) {
		return 0, false
	}
	k, ok := t[obj.Name()]
	return k, ok
}
