package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const watchedDoor = `ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}
`

// TestWatch runs the program itself: it generates, again after a change, survives a broken declaration and one that is gone,
// and ends well at an interrupt.
func TestWatch(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted from outside")
	}
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "ironflow-gen")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	declare := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "door.ironflow.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	declare(watchedDoor)
	cmd := exec.Command(program, "watch", "-interval", "20ms", dir)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	expect := func(text string) {
		t.Helper()
		timeout := time.After(20 * time.Second)
		for {
			select {
			case line, ok := <-lines:
				if !ok {
					t.Fatalf("it ended before it said %q", text)
				}
				if strings.Contains(line, text) {
					return
				}
			case <-timeout:
				t.Fatalf("it does not say %q", text)
			}
		}
	}

	expect("watching")
	expect("files written")
	declare(strings.Replace(watchedDoor, "Opened: {}", "Opened: {fields: {at: time}}", 1))
	expect("files written")
	types, err := os.ReadFile(filepath.Join(dir, "types_ironflow.go"))
	if err != nil || !strings.Contains(string(types), "At time.Time") {
		t.Errorf("the new field is not there, %v:\n%s", err, types)
	}
	declare(strings.Replace(watchedDoor, "string", "strng", 1))
	expect("nothing is written")
	expect("[IF0402]")
	if err := os.Remove(filepath.Join(dir, "door.ironflow.yaml")); err != nil {
		t.Fatal(err)
	}
	expect("no *.ironflow.yaml in this directory")
	declare(watchedDoor)
	expect("written")
	declare(watchedDoor + "# a comment\n")
	expect("everything is up to date")

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for range lines {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
