package gospec_test

import (
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
)

// FuzzDirectives puts anything into the places of directives.
func FuzzDirectives(f *testing.F) {
	const open = "accepts Open Opened=open effects=Ring"
	f.Add("type=door id=DoorID unique=Open:Key", "input", open+" timers=nag", "timer nag input=Close after=1h")
	f.Add("type=door id=door_id http=true", "input id=Key", open+" doc=\"a \\\"b\\\"\"\n\t//ironflow:accepts Close Opened=open",
		"schedule nightly input=Close schedule=\"0 22 * * *\" zone=Europe/Berlin missed=skip instance=`front {time}`")
	f.Add("type=door id=DoorID\n//ironflow:timer lock input=Close schedule=@daily missed=all while=open", "input",
		"accepts Open Opened=StatusOpen\n\t//ironflow:accepts Close reject=Late", "ignore clock why")
	f.Add("type=door id=DoorID", "effect returns=Close retry=max_attempts:3,max:1m timeout=1d dead=Close priority=-3 limit=rate:0.5,key:Key,per_key:1",
		"accepts Close Opened=open effects=Open,Ring", "ignore")
	f.Add("type=door id=DoorID", "effect starts=gate/Open ended=Close", "accepts Close Opened=open effects=Open", "ignore\n\ntype Extra struct{ A []Extra }")
	f.Add("type=door id=DoorID", "effect sends=gate/Open", "accepts", "timer")
	f.Add("= ,:", "inptu \"", "accepts \"Open\" =open", "\n")
	typecheck.Warm(f)
	f.Fuzz(func(t *testing.T, workflow, message, closed, free string) {
		source := "package w\n\n//ironflow:workflow " + workflow + "\ntype State struct {\n\tStatus Status\n\tOpens  []int\n}\n\n" +
			"//ironflow:" + message + "\ntype Open struct {\n\tDoorID string\n\tKey    string\n\tNote   *string\n}\n\n" +
			"//ironflow:input\ntype Close struct{ DoorID string }\n\n//ironflow:event\ntype Opened struct{ At []byte }\n\n" +
			"//ironflow:effect\ntype Ring struct{ Times map[string]int }\n\n//ironflow:rejection\ntype Late struct{}\n\n//ironflow:" + free +
			"\n\ntype Status string\n\nconst (\n\t//ironflow:" + closed + "\n\tStatusClosed Status = \"closed\"\n" +
			"\t//ironflow:accepts Close Opened=closed effects=Ring\n\tStatusOpen Status = \"open\"\n)\n"
		if strings.Contains(source, "import") || strings.Contains(source, "//go:") || strings.Contains(source, "+build") {
			t.Skip("it would ask the go command, or take the file out of the package")
		}
		p := gospec.Package{Dir: "w", Path: "example.com/w", Files: []gospec.File{{Name: "w.go", Content: []byte(source)}}}
		checkResult(t, gospec.Load([]gospec.Package{p})[0], p)
	})
}
