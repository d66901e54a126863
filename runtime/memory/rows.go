package memory

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Rows returns the rows of a table, in no particular order, for tests that check what is stored. Tables and columns have the same
// names as in the other stores, for example "events" and "recorded_at". A missing text or time is nil; other times are time.Time.
// For an unknown table it returns nil.
func (s *Store) Rows(table string) []map[string]any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var rows []map[string]any
	add := func(row map[string]any) {
		for column, v := range row {
			if t, is := v.(time.Time); is && t.IsZero() {
				row[column] = nil
			}
		}
		rows = append(rows, row)
	}
	switch table {
	case "instances":
		for key, i := range s.instances {
			add(map[string]any{"instance": key.ID, "workflow": key.Workflow, "created_at": i.createdAt, "completed_at": i.completedAt, "status": text(i.status)})
		}
	case "events":
		for _, e := range s.feed {
			add(map[string]any{
				"global_sequence": e.GlobalSequence, "instance": e.Instance.ID, "workflow": e.Instance.Workflow, "version": e.Version, "type": e.Type,
				"schema_version": e.SchemaVersion, "payload": string(e.Payload), "recorded_at": e.RecordedAt, "commit_id": int64(e.Commit),
				"cause": text(e.cause), "status": text(e.status), "completes": truth(e.completes), "parent": text(store.EncodeParent(e.parent)),
			})
		}
		for key, generation := range s.marks {
			add(map[string]any{
				"global_sequence": int64(0), "instance": key.ID, "workflow": key.Workflow, "version": int64(1), "type": "", "schema_version": int(generation),
				"payload": "{}", "recorded_at": time.Time{}, "commit_id": int64(-1), "cause": nil, "status": nil, "completes": nil, "parent": nil,
			})
		}
	case "cell":
		if c := s.cell; c.Revision > 0 {
			add(map[string]any{"number": int64(1), "store": c.Store, "name": c.Name, "list": string(c.List), "oldest_list": c.OldestList, "revision": c.Revision})
		}
	case "snapshots":
		for _, n := range s.snapshots {
			add(map[string]any{
				"instance": n.Instance.ID, "workflow": n.Instance.Workflow, "version": n.Version, "schema": n.Schema, "state": string(n.State),
				"commit_id": int64(n.Commit),
			})
		}
	case "effects", "timers":
		q, _ := s.queue(store.QueueName(table))
		for _, d := range q.rows {
			row := map[string]any{
				"instance": d.lease.Instance.ID, "workflow": d.kind.Workflow, "version": d.lease.Version, "kind": d.kind.Name, "payload": d.payload,
				"run_at": d.runAt, "due_at": d.dueAt, "attempts": d.attempts, "token": d.lease.Token, "commit_id": int64(d.lease.Commit),
				"last_error": text(d.lastError), "trace": text(d.trace), "holder": text(d.holder),
				"claimed_at": d.claimedAt, "died_at": d.diedAt, "told_at": d.toldAt, "blocked_since": d.blockedSince,
			}
			if q == s.timers {
				row["key"] = d.lease.Key
			} else {
				row["position"], row["limit_key"], row["slot"], row["parked_from"] = d.lease.Position, text(d.limitKey), truth(d.slot), d.parkedFrom
			}
			add(row)
		}
	case "unique_keys":
		for key, holder := range s.keys {
			add(map[string]any{"workflow": key.workflow, "key": key.key, "instance": holder})
		}
	case "search":
		for key, fields := range s.search {
			for field, v := range fields {
				add(map[string]any{"instance": key.ID, "workflow": key.Workflow, "field": field, "value": v.value, "version": v.version})
			}
		}
	case "limits":
		for kind, at := range s.buckets {
			add(map[string]any{"workflow": kind.Workflow, "kind": kind.Name, "empty_at": at})
		}
	case "input_outcomes":
		for key, o := range s.outcomes {
			add(map[string]any{
				"instance": key.Instance.ID, "workflow": key.Instance.Workflow, "input_id": key.ID, "outcome": string(o.Outcome), "recorded_at": o.RecordedAt,
			})
		}
	case "observations":
		for _, o := range s.observations {
			add(map[string]any{
				"number": o.Number, "instance": o.Instance.ID, "workflow": o.Instance.Workflow, "observed_at": o.ObservedAt, "input": o.Input,
				"input_id": text(o.InputID), "payload": string(o.Payload), "outcome": o.Outcome, "version": o.Version,
				"rejection": text(o.Rejection), "rejection_payload": text(string(o.RejectionPayload)),
			})
		}
	case "ended_deliveries":
		for _, e := range slices.Concat(slices.Collect(maps.Values(s.ended))...) {
			add(map[string]any{
				"instance": e.Lease.Instance.ID, "workflow": e.Lease.Instance.Workflow, "queue": string(e.Lease.Queue), "version": e.Lease.Version,
				"item": item(e.Lease), "kind": e.Kind, "ending": string(e.Ending), "ended_at": e.At, "attempts": e.Attempts,
				"by_instance": e.By.Instance.ID, "by_workflow": e.By.Instance.Workflow, "by_version": e.By.Version, "reason": e.Reason,
			})
		}
	case "discarded_letters":
		for _, d := range s.discarded {
			add(map[string]any{
				"instance": d.Lease.Instance.ID, "workflow": d.Lease.Instance.Workflow, "queue": string(d.Lease.Queue), "version": d.Lease.Version,
				"item": item(d.Lease), "kind": d.Kind.Name, "payload": string(d.Payload), "attempts": d.Attempts, "last_error": d.Error,
				"due_at": d.Due, "died_at": d.DiedAt, "discarded_at": d.Discard.At, "discarded_by": d.Discard.By, "reason": d.Discard.Reason,
			})
		}
	case "audit_log":
		for _, r := range s.audits {
			add(map[string]any{
				"id": r.ID, "recorded_at": r.At, "ended_at": r.EndedAt, "done_by": r.By, "reason": r.Reason, "operation": r.Operation,
				"workflow": r.Workflow, "input": r.Input, "target": r.Target, "count": r.Count, "progress": text(string(r.Progress)), "revision": r.Revision,
			})
		}
	case "subject_keys":
		for _, k := range s.subjects {
			row := map[string]any{"subject": k.Subject, "secret": text(base64.StdEncoding.EncodeToString(k.Secret)), "created_at": k.CreatedAt,
				"forgotten_at": nil, "forgotten_by": nil, "reason": nil}
			if f := k.Forgotten; f != nil {
				row["forgotten_at"], row["forgotten_by"], row["reason"] = f.At, f.By, f.Reason
			}
			add(row)
		}
	case "paused_workflows":
		for _, p := range s.pauses {
			add(map[string]any{"workflow": p.Workflow, "paused_at": p.At, "paused_by": p.By, "reason": p.Reason, "refuse_inputs": p.RefuseInputs})
		}
	case "programs":
		for _, p := range s.programs {
			add(map[string]any{
				"process": p.Process, "version": p.Version, "digest": p.Digest, "started_at": p.StartedAt, "seen_at": p.SeenAt, "until": p.Until,
				"stopped_at": p.StoppedAt,
			})
		}
	case "manifests":
		for digest, manifest := range s.manifests {
			add(map[string]any{"digest": digest, "manifest": manifest})
		}
	case "chores":
		for name, c := range s.chores {
			add(map[string]any{"name": name, "run_at": c.runAt, "token": c.token})
		}
	case "projections":
		for _, p := range s.projections {
			add(map[string]any{
				"name": p.Name, "status": string(p.Status), "position": int64(p.Position), "event_at": p.EventAt, "skipped": p.Skipped,
				"rebuild": p.Rebuild, "attempts": p.Attempts, "last_error": text(p.LastError), "stopped_at": int64(p.StoppedAt), "owner": text(p.Owner),
				"token": p.Token, "lease_until": p.LeaseUntil, "updated_at": p.UpdatedAt,
			})
		}
	}
	return rows
}

// text is a text that may be missing, as a column has it.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// truth is 1, or nothing.
func truth(is bool) any {
	if is {
		return int64(1)
	}
	return nil
}

// item is what tells the deliveries of a decision apart.
func item(l store.Lease) string {
	if l.Queue == store.TimerQueue {
		return l.Key
	}
	return strconv.Itoa(l.Position)
}
