// Package contract knows what is stored of a workflow, keeps it in a lock, and says what a change of the declaration would
// break.
//
// A contract is a [Set] of facts. A [Fact] is one thing that a stored row depends on: that there is an event, the type of one of
// its fields, where an event leads from a state, the input that a timer delivers. [Of] reads the facts from a declaration. Facts use
// stored names, so renaming with "as" changes nothing. Types of fields have the names that the declaration gives them, but are
// compared by what they hold: a type may be renamed, too.
//
// # The lock
//
// The lock is the file NAME.ironflow.lock beside a declaration. It holds every fact that the declaration ever had, and is
// committed with it. The first line names the format and the workflow. Each further line is a fact:
//
//	ironflow-lock 1 order
//	event Paid 1: #5d1c03
//	event Paid 1 field amount_cents: int64 #9b0a41
//	event Paid 1 sample: {"amount_cents":9007199254740993} #0c11ab
//	event Paid 2 field currency: string = "EUR" #77e1f0
//	effect Refund 1: (gone) #1f22ab
//	# end
//
// A line has a path, a colon, a value, and at its end six hexadecimal digits that are a hash of the workflow's name and the rest of
// the line. So a line that was edited, or comes from another lock, is noticed. Parts of a path that have other characters than
// letters, digits and "_-./" are quoted. Lines are sorted, and a reader takes them in any order and more than once. So a merge
// of two branches needs no care where both only add lines; "*.ironflow.lock merge=union" in .gitattributes works. "# end" is the
// last line; a lock without it is truncated. Other lines that begin with "#" are comments, and are not kept.
//
// Some facts are permanent: once an event, a field or a state was locked, its line stays. When the declaration has it no more, "(gone)"
// says so, and its name is not free again. Others are settings, such as the delay of a timer: the lock has the latest value.
//
// A version that has a later one has a sample: a payload that a program of that version could have stored. A generated test feeds it to the
// upcasters. It is written when the later version is declared, and does not change with types that both use.
//
// A deleted line is not noticed by the lock itself. It is noticed by comparing with an older revision, which has the line.
//
// # The comparison
//
// [Compare] takes an old and a new set and reports a [Finding] for each difference that stored rows could meet. A finding has a code of
// docs/reference/diagnostics.md. Codes from IF3101 are grouped by what is at stake: stored events (31), identity (32), rows in flight (33), replay (34),
// readers (35), and the order of a deploy (36). Errors stop; warnings do not. The declaration may allow a finding under its subject
// with a reason.
//
// The package reads declarations and locks only. It knows no database, no user code, and no git.
package contract
