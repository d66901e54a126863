package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNewcomer goes the way of a newcomer, in a module outside of this one: init from this checkout, then everything that
// go does with the result, and a second workflow by "go tool".
func TestNewcomer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	t.Parallel()
	dir := t.TempDir()
	goCommand(t, ".", "run", ".", "init", "-dir", dir, "shop")
	before := contents(t, filepath.Join(dir, "shop"))

	goCommand(t, dir, "generate", "./...")
	for name, content := range contents(t, filepath.Join(dir, "shop")) {
		if before[name] != content && !strings.HasSuffix(name, ".ironflow.lock") { // nothing is stored yet when init has written
			t.Errorf("go generate changed %s, which init had just written", name)
		}
	}
	goCommand(t, dir, "vet", "./...")
	goCommand(t, dir, "tool", "ironflow-gen", "vet", "./...")
	goCommand(t, dir, "test", "./...")
	output := goCommand(t, dir, "run", ".")
	for _, want := range []string{
		"shop.Submitted{Claimant:Ada", "shop.Approved{Reviewer:Rita}", "now approved",
		"shop.Declined{Reason:too much for a desk lamp}", "now declined",
		"shop.Expired{}", "now expired",
		"rejected: shop.OverLimit{LimitCents:50000}",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the program does not print %q:\n%s", want, output)
		}
	}

	// The name is also that of a variable in main.go.
	goCommand(t, dir, "tool", "ironflow-gen", "init", "client")
	goCommand(t, dir, "generate", "./...")
	goCommand(t, dir, "vet", "./...")
	goCommand(t, dir, "test", "./...")
	if output := goCommand(t, dir, "run", "./cmd/client"); !strings.Contains(output, "client.Approved{Reviewer:Rita}") {
		t.Errorf("the second program does not print an approval:\n%s", output)
	}
	if output := goCommand(t, dir, "mod", "tidy", "-diff"); output != "" {
		t.Errorf("go.mod is not tidy:\n%s", output)
	}

	// A declaration grows: all that can be is generated, and go generate fails for the method that is missing. With a stub the
	// package compiles, and a test says that there is something left to do.
	shop := filepath.Join(dir, "shop")
	declare := func(declaration string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(shop, "shop.ironflow.yaml"), []byte(declaration), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	declare(strings.NewReplacer(
		"\ninputs:\n", "\ninputs:\n  Recall: {doc: The claimant does not want it any more., fields: {claim_id: string}}\n",
		"      GiveUp:  {", "      Recall: {Expired: expired}\n      GiveUp:  {",
	).Replace(before["shop.ironflow.yaml"]))
	if output := goFails(t, dir, "generate", "./..."); !strings.Contains(output, "Decider lacks the method Recall") {
		t.Errorf("go generate does not say that a method is missing:\n%s", output)
	}
	goCommand(t, dir, "tool", "ironflow-gen", "-stubs", "./shop")
	if got := contents(t, shop)["decider.go"]; !strings.HasPrefix(got, before["decider.go"]) || got == before["decider.go"] {
		t.Errorf("the stub is not behind what was in decider.go:\n%s", got)
	}
	goCommand(t, dir, "generate", "./...")
	goCommand(t, dir, "vet", "./...")
	output = goFails(t, dir, "test", "./shop")
	if want := ": Decider.Recall is not written yet"; !strings.Contains(output, want) || strings.Count(output, "--- FAIL") != strings.Count(output, want) {
		t.Errorf("there is something else than %q in:\n%s", want, output)
	}

	// A declaration that loses its states is generated once nothing is stored of it, and needs a method again.
	if err := os.Remove(filepath.Join(shop, "shop.ironflow.lock")); err != nil {
		t.Fatal(err)
	}
	declaration, _, _ := strings.Cut(before["shop.ironflow.yaml"], "\nstates:")
	declare(strings.Replace(declaration, ", while: in_review", "", 1))
	if output := goFails(t, dir, "generate", "./..."); !strings.Contains(output, "Evolver lacks the method Terminal") {
		t.Errorf("go generate does not say that a method is missing:\n%s", output)
	}
	if got := contents(t, shop)["machine_ironflow.go"]; strings.Contains(got, "func") {
		t.Errorf("there is still a machine:\n%s", got)
	}
}

// TestNewcomerInGo goes the same way with annotated Go types.
func TestNewcomerInGo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	t.Parallel()
	dir := t.TempDir()
	goCommand(t, ".", "run", ".", "init", "-form", "go", "-module", "example.org/in/go", "-dir", dir, "shop")
	before := contents(t, filepath.Join(dir, "shop"))
	if before["workflow.go"] == "" || before["shop.ironflow.yaml"] != "" || before["client_ironflow.go"] == "" {
		t.Fatalf("wrong files: %v", slices.Sorted(maps.Keys(before)))
	}
	// The second one has the name of a file of the first.
	goCommand(t, dir, "tool", "ironflow-gen", "init", "-form", "go", "decider")
	goCommand(t, dir, "generate", "./...")
	after := contents(t, filepath.Join(dir, "shop"))
	delete(after, "shop.ironflow.lock") // nothing is stored yet when init has written
	if !maps.Equal(before, after) {
		t.Error("go generate changed what init had just written")
	}
	goCommand(t, dir, "tool", "ironflow-gen", "check", "./...")
	goCommand(t, dir, "tool", "ironflow-gen", "vet", "./...")
	goCommand(t, dir, "vet", "./...")
	goCommand(t, dir, "test", "./...")
	for _, program := range []string{".", "./cmd/decider"} {
		if output := goCommand(t, dir, "run", program); !strings.Contains(output, "Approved{Reviewer:Rita}") || !strings.Contains(output, "now expired") {
			t.Errorf("%s does not print how claims end:\n%s", program, output)
		}
	}
	if output := goCommand(t, dir, "mod", "tidy", "-diff"); output != "" {
		t.Errorf("go.mod is not tidy:\n%s", output)
	}

	// The declaration grows by a type.
	shop := filepath.Join(dir, "shop")
	grown := strings.Replace(before["workflow.go"], "	//ironflow:accepts GiveUp Expired=expired\n",
		"	//ironflow:accepts GiveUp Expired=expired\n	//ironflow:accepts Recall Expired=expired\n", 1) +
		"\n// Recall says that the claimant does not want it any more.\n//\n//ironflow:input\ntype Recall struct{ ClaimID string }\n"
	if err := os.WriteFile(filepath.Join(shop, "workflow.go"), []byte(grown), 0o644); err != nil {
		t.Fatal(err)
	}
	if output := goFails(t, dir, "generate", "./..."); !strings.Contains(output, "Decider lacks the method Recall") {
		t.Errorf("go generate does not say that a method is missing:\n%s", output)
	}
	goCommand(t, dir, "tool", "ironflow-gen", "-stubs", "./shop")
	goCommand(t, dir, "vet", "./...")
	if after := contents(t, shop); after["workflow.go"] != grown || !strings.HasPrefix(after["decider.go"], before["decider.go"]) {
		t.Errorf("what stood in the user's files was changed")
	}
}

// TestStandardNames makes packages with the names of standard ones: the first makes the module, the second is a part of it.
func TestStandardNames(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	dir := t.TempDir()
	goCommand(t, ".", "run", ".", "init", "-dir", dir, "time")
	goCommand(t, dir, "tool", "ironflow-gen", "init", "errors")
	goCommand(t, dir, "vet", "./...")
}

// TestOldModule prepares a module that asks for an older Go.
func TestOldModule(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/old\n\ngo 1.21\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	output := goCommand(t, ".", "run", ".", "init", "-dir", dir, "shop")
	if want := "go.mod had go 1.21 and now has go 1."; !strings.Contains(output, want) {
		t.Errorf("%q is missing in:\n%s", want, output)
	}
}

// goCommand runs the go command and returns what it prints to standard output.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	output, errOut, err := runGo(dir, args)
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, output, errOut)
	}
	return output
}

// goFails runs the go command, which is to fail, and returns all that it prints.
func goFails(t *testing.T, dir string, args ...string) string {
	t.Helper()
	output, errOut, err := runGo(dir, args)
	if err == nil {
		t.Fatalf("go %s does not fail:\n%s%s", strings.Join(args, " "), output, errOut)
	}
	return output + errOut
}

func runGo(dir string, args []string) (output, errOut string, err error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var out, errors strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	return out.String(), errors.String(), err
}

// contents returns the files of a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(content)
	}
	return files
}

var stateSchema = regexp.MustCompile(`Schema: "[0-9a-f]{16}"`)

// TestFormsOutside changes the form of a declaration and back again, in a module outside of this one, as its owner would. The
// generated files are the same in both forms but for the types and the name of the declaration, nothing of the owner's changes, and
// everything compiles and passes.
func TestFormsOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	dir := t.TempDir()
	goCommand(t, ".", "run", ".", "init", "-dir", dir, "shop")
	shop := filepath.Join(dir, "shop")
	goCommand(t, dir, "tool", "ironflow-gen", "./shop")
	inYAML := contents(t, shop)
	change := func(from, to string) map[string]string {
		t.Helper()
		goCommand(t, dir, "tool", "ironflow-gen", "convert", "-o", filepath.Join("shop", to), filepath.Join("shop", from))
		if err := os.Remove(filepath.Join(shop, from)); err != nil {
			t.Fatal(err)
		}
		goCommand(t, dir, "tool", "ironflow-gen", "./shop")
		goCommand(t, dir, "tool", "ironflow-gen", "check", "./shop")
		goCommand(t, dir, "vet", "./...")
		goCommand(t, dir, "test", "./shop")
		return contents(t, shop)
	}
	inGo := change("shop.ironflow.yaml", "declaration.go")
	compared := 0
	for name, content := range inYAML {
		if name == "types_ironflow.go" || name == "shop.ironflow.yaml" {
			continue
		}
		want := strings.Replace(content, "// Source: shop.ironflow.yaml\n", "// Source: declaration.go\n", 1)
		if strings.Contains(name, "_ironflow") == (want == content) {
			t.Errorf("%s: the head names no source, or a file that is not generated does", name)
		}
		// Types that are the user's are part of the code that folds events, so that the fingerprints of the forms differ.
		if stateSchema.ReplaceAllString(inGo[name], "") != stateSchema.ReplaceAllString(want, "") {
			t.Errorf("%s differs between the forms:\n%s\nand\n%s", name, content, inGo[name])
		}
		compared++
	}
	if compared < 9 || len(inGo) != len(inYAML) || inGo["types_ironflow.go"] == "" ||
		!strings.Contains(inYAML["types_ironflow.go"], "type Submit struct") || strings.Contains(inGo["types_ironflow.go"], "type Submit struct") {
		t.Errorf("%d files were compared; there are %v and %v", compared, slices.Sorted(maps.Keys(inYAML)), slices.Sorted(maps.Keys(inGo)))
	}

	again := change("declaration.go", "shop.ironflow.yaml")
	for name, content := range inYAML {
		if name != "shop.ironflow.yaml" && again[name] != content { // which had comments
			t.Errorf("%s is not what it was:\n%s\nwas\n%s", name, again[name], content)
		}
	}
}
