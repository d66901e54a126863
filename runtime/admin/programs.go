package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Program is a process that runs on the store, or ran on it recently.
type Program struct {
	store.Program
	Running  bool               // it has not stopped, and was seen recently
	Manifest *workflow.Manifest // describes its workflows, deliveries and projections

	// Unreadable says why the manifest cannot be read, as when a much newer program wrote it; nil if it can. Then Manifest is empty.
	Unreadable error
}

// UnknownWorkflow says that no program that ran recently has the workflow, and that the store has nothing of it.
type UnknownWorkflow struct {
	Workflow string
	Known    []string // names of workflows that programs have, sorted
}

func (e *UnknownWorkflow) Error() string {
	known := "no program that runs on this store, or ran in the last 30 days, has told of its workflows"
	if len(e.Known) > 0 {
		known = "there are " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("ironflow: there is no workflow %q on this store; %s", e.Workflow, known)
}

// Programs returns the programs that run on the store or ran on it in the last 30 days. The most recently seen program comes first.
func (a *Admin) Programs(ctx context.Context) ([]Program, error) {
	stored, err := a.store.Programs(ctx)
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return nil, err
	}
	now := a.clock.Now()
	programs := make([]Program, 0, len(stored))
	for _, p := range stored {
		manifest, unreadable, err := a.manifests.read(ctx, a.store, p.Digest)
		if err := lacks.fails(err); err != nil {
			return nil, fmt.Errorf("ironflow: program %s: %w", p.Process, err)
		}
		programs = append(programs, Program{
			Program: p, Running: p.StoppedAt.IsZero() && now.Before(p.Until), Manifest: manifest, Unreadable: unreadable,
		})
	}
	slices.SortStableFunc(programs, func(a, b Program) int {
		if a.Running != b.Running {
			return map[bool]int{true: -1, false: 1}[a.Running]
		}
		return cmp.Or(b.SeenAt.Compare(a.SeenAt), b.StartedAt.Compare(a.StartedAt))
	})
	return programs, lacks.err
}

// known returns those programs that the cells which answer know of. A program tells each cell of itself.
func (a *Admin) known(ctx context.Context) ([]Program, error) {
	programs, err := a.Programs(ctx)
	return programs, new(lacking).fails(err)
}

// manifests are those that were read. They never change.
type manifests struct {
	mu    sync.Mutex
	known map[string]*workflow.Manifest
}

// read returns the manifest of a digest; an empty one when it is not stored or unreadable.
func (m *manifests) read(ctx context.Context, st store.Programs, digest string) (manifest *workflow.Manifest, unreadable, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.known[digest]; known != nil {
		return known, nil, nil
	}
	text, err := st.Manifest(ctx, digest)
	if err != nil {
		return &workflow.Manifest{}, nil, err
	}
	if text == nil {
		return &workflow.Manifest{}, nil, nil
	}
	if manifest, err = workflow.ReadManifest(text); err != nil {
		return &workflow.Manifest{}, err, nil
	}
	if m.known == nil {
		m.known = make(map[string]*workflow.Manifest)
	}
	m.known[digest] = manifest
	return manifest, nil, nil
}

// Workflow returns the description of a workflow. If several programs have described it, running programs take precedence over others,
// and newer ones over older ones. The description is nil if no program has described the workflow.
func (a *Admin) Workflow(ctx context.Context, name string) (*workflow.WorkflowManifest, error) {
	for _, w := range a.config.Workflows {
		if w.Name() == name {
			return new(w.Describe()), nil
		}
	}
	programs, err := a.known(ctx)
	if err != nil {
		return nil, err
	}
	return described(programs, name), nil
}

// described prefers what runs, and then what began last: during a rollout, that is the newer release.
func described(programs []Program, name string) (found *workflow.WorkflowManifest) {
	var of *Program
	for i := range programs {
		p := &programs[i]
		w := p.Manifest.Workflow(name)
		if w == nil || of != nil && (of.Running && !p.Running || of.Running == p.Running && !p.StartedAt.After(of.StartedAt)) {
			continue
		}
		of, found = p, w
	}
	return found
}

// exists fails with *UnknownWorkflow unless a program has a workflow, or an instance of it is stored.
func (a *Admin) exists(ctx context.Context, name string) error {
	for _, w := range a.config.Workflows {
		if w.Name() == name {
			return nil
		}
	}
	programs, err := a.known(ctx)
	if err != nil {
		return err
	}
	if described(programs, name) != nil {
		return nil
	}
	list := store.InstanceList{InstanceFilter: store.InstanceFilter{Workflow: name}, Limit: 1}
	found, err := a.store.ListInstances(ctx, list)
	if len(found) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return &UnknownWorkflow{Workflow: name, Known: workflowsOf(programs)}
}

// workflowNames returns the workflows that this process or a program has, sorted.
func (a *Admin) workflowNames(ctx context.Context) ([]string, error) {
	programs, err := a.Programs(ctx)
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return nil, err
	}
	names := workflowsOf(programs)
	for _, w := range a.config.Workflows {
		names = append(names, w.Name())
	}
	slices.Sort(names)
	return slices.Compact(names), lacks.err
}

// workflowsOf returns the workflows that programs have, sorted.
func workflowsOf(programs []Program) (names []string) {
	for _, p := range programs {
		for _, w := range p.Manifest.Workflows {
			names = append(names, w.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
