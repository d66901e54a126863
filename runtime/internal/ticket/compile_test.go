package ticket_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What the declaration does not allow for an input does not compile, and the compiler says why in the declaration's words.
func TestUndeclaredDoesNotCompile(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, code, want string }{
		{"declared", `var _ = AcceptOpen(Opened{}).Effect(FindAgent{}, Notify{}).StartTimer(TimerFollowup{}.In(1).Key("k"))`, ""},
		{"event", `var _ = AcceptOpen(Solved{})`,
			`cannot use Solved{} (value of struct type Solved) as OpenEvent value in argument to AcceptOpen: ` +
				`Solved does not implement OpenEvent (missing method isOpenEvent)`},
		{"second event", `var _ = AcceptOpen(Opened{}, Noted{})`,
			`cannot use Noted{} (value of struct type Noted) as OpenEvent value in argument to AcceptOpen: ` +
				`Noted does not implement OpenEvent (missing method isOpenEvent)`},
		{"effect", `var _ = AcceptNote(Noted{}).Effect(FindAgent{})`,
			`cannot use FindAgent{} (value of struct type FindAgent) as NoteEffect value in argument to AcceptNote(Noted{}).Effect: ` +
				`FindAgent does not implement NoteEffect (missing method isNoteEffect)`},
		{"effect where there is none", `var _ = AcceptHold(Held{}).Effect(Notify{})`,
			`cannot use Notify{} (value of struct type Notify) as workflow.NoEffect value in argument to AcceptHold(Held{}).Effect: ` +
				`Notify does not implement workflow.NoEffect (missing method noEffect)`},
		{"timer", `var _ = AcceptOpen(Opened{}).StartTimer(TimerStale{})`,
			`cannot use TimerStale{} (value of struct type TimerStale) as OpenTimer value in argument to AcceptOpen(Opened{}).StartTimer: ` +
				`TimerStale does not implement OpenTimer (missing method isOpenTimer)`},
		{"cancelled timer", `var _ = AcceptRemind(Reminded{}).CancelTimer(TimerFollowup{})`,
			`cannot use TimerFollowup{} (value of struct type TimerFollowup) as RemindTimer value in argument to ` +
				`AcceptRemind(Reminded{}).CancelTimer: TimerFollowup does not implement RemindTimer (missing method isRemindTimer)`},
		{"timer where there is none", `var _ = AcceptSolve(Solved{}).StartTimer(TimerStale{})`,
			`cannot use TimerStale{} (value of struct type TimerStale) as workflow.NoTimer value in argument to ` +
				`AcceptSolve(Solved{}).StartTimer: TimerStale does not implement workflow.NoTimer (missing method noTimer)`},
		{"rejection", `var _ = RejectOpen(Opened{})`,
			`cannot use Opened{} (value of struct type Opened) as Rejection value in argument to RejectOpen: ` +
				`Opened does not implement Rejection (missing method isRejection)`},
		{"accepted without an event", `var _ = AcceptOpen()`,
			"not enough arguments in call to AcceptOpen\n\thave ()\n\twant (OpenEvent, ...OpenEvent)"},
		{"decision of another input", `func _() OpenDecision { return AcceptSolve(Solved{}) }`,
			`cannot use AcceptSolve(Solved{}) (value of struct type SolveDecision) as OpenDecision value in return statement`},
		{"result", `var _ FindAgentResult = Solve{}`,
			`cannot use Solve{} (value of struct type Solve) as FindAgentResult value in variable declaration: ` +
				`Solve does not implement FindAgentResult (missing method isFindAgentResult)`},
		{"missing decider method", `type half struct{ EffectHandler }; var _ InputDecider = half{}`,
			`cannot use half{} (value of struct type half) as InputDecider value in variable declaration: ` +
				`half does not implement InputDecider (missing method Assigned)`},
	}
	code := []string{"package ticket"} // one line for each test, from the second
	for _, test := range tests {
		code = append(code, test.code)
	}
	messages := compile(t, strings.Join(code, "\n"))
	for i, test := range tests {
		if got := messages[i+2]; got != test.want {
			t.Errorf("%s: %s\ngot  %q\nwant %q", test.name, test.code, got, test.want)
		}
	}
}

// compile returns the compiler's messages about code in a file of this package, by line.
func compile(t *testing.T, code string) map[int]string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	// An overlay puts the file into the package without putting it into the repository.
	wrong, overlay := filepath.Join(t.TempDir(), "wrong.go"), filepath.Join(t.TempDir(), "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(dir, "wrong.go"): wrong}})
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{wrong: []byte(code), overlay: replace} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "-overlay", overlay, ".") // -e: all errors
	output, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Fatalf("the wrong code compiles: error %v", err)
	}
	messages := make(map[int]string)
	last := 0
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSuffix(line, "\n")
		if place, message, is := strings.Cut(line, ": "); is && strings.Contains(place, "wrong.go:") {
			if last, err = strconv.Atoi(strings.Split(place, ":")[1]); err != nil {
				t.Fatalf("the compiler says %q", line)
			}
			messages[last] += message
		} else if strings.HasPrefix(line, "\t") {
			messages[last] += "\n" + line
		} else if !strings.HasPrefix(line, "#") {
			t.Errorf("the compiler says %q", line)
		}
	}
	return messages
}
