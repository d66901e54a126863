package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A store that grows must not slow down: every statement finds its rows by an index and in the order it wants them.
func TestEveryStatementUsesAnIndex(t *testing.T) {
	t.Parallel()
	s := openMemory(t)
	statements := map[string]string{
		"readInstance": readInstance, "versionOf": versionOf, "commitOf": commitOf, "saveSnapshot": saveSnapshot,
		"createInstance": createInstance, "countContinued": countContinued.one(), "countContinued of many": countContinued.statements[0],
		"insertEvents": insertEvents.statements[0], "insertEffects": insertEffects.statements[0], "startTimers": startTimers.statements[0],
		"cancelTimer": cancelTimer, "cancelTimers": cancelTimers,
		"readHistory": readHistory, "completeInstance": completeInstance,
		"finishedInstances": finishedInstances, "isDeletable": isDeletable, "takeChore": takeChore, "moveChore": moveChore,
		"readCauses": readCauses, "readCausesBackward": readCausesBackward,
		"readEnded": readEnded, "recordEnded": recordEnded, "recordCancelled": recordCancelled, "cancelEffects": cancelEffects,
		"readSummary": readSummary, "listDiscarded": listDiscarded, "pauseWorkflow": pauseWorkflow, "resumeWorkflow": resumeWorkflow,
		"listActive": activeQueries.list, "nextActive": activeQueries.next,
		"listCompleted": completedQueries.list, "nextCompleted": completedQueries.next,
		"eventsSince": eventsSince, "newestEvent": newestEvent,
		"readProjection": readProjection, "writeProjection": writeProjection,
		"readBucket": readBucket, "saveBucket": saveBucket, "countSlots": countSlots,
		"countSlotsOfKey": countSlotsOfKey, "dueWithKeys": dueWithKeys, "takeSlot": takeSlot, "park": park, "unpark": unpark,
		"takeKey": takeKey, "keyHolder": keyHolder, "freeKeys": freeKeys,
	}
	for queue, q := range map[string]queueQueries{"effects": effectQueries, "timers": timerQueries} {
		for name, statement := range map[string]string{
			"due": q.due, "look": q.look, "claim": q.claim, "extend": q.extend, "done": q.done, "recordRefused": q.recordRefused,
			"retry": q.retry, "dead": q.dead, "release": q.release, "again": q.again,
			"next": q.backlogs.next, "backlogDue": q.backlogs.due, "backlogLater": q.backlogs.later,
			"backlogBlocked": q.backlogs.blocked, "nextDead": q.backlogs.nextDead, "backlogDead": q.backlogs.dead, "wait": q.wait,
			"listDead": q.deadLetters.list[store.NotTold], "listTold": q.deadLetters.list[store.OnlyTold],
			"listAllDead": q.deadLetters.list[store.ToldOrNot], "revive": q.deadLetters.revive,
			"record": q.deadLetters.record, "discard": q.deadLetters.discard,
		} {
			statements[queue+" "+name] = statement
		}
	}
	for kind, statement := range deleteRecords {
		statements["delete "+string(kind)] = statement
	}
	for i, statement := range deleteInstance {
		statements[fmt.Sprint("deleteInstance ", i)] = statement
	}
	sorts := regexp.MustCompile(`SCAN [^(]|TEMP B-TREE`) // a subquery in parentheses has its rows already
	values := regexp.MustCompile(`SCAN (given|CONSTANT ROW|\d+ CONSTANT ROWS|\d+-ROW VALUES CLAUSE)\n`)
	for name, statement := range statements {
		args := make([]driver.Value, strings.Count(statement, "?"))
		for i := range args {
			args[i] = int64(1)
		}
		var plan strings.Builder
		row := func(columns []driver.Value) error {
			plan.WriteString(text(columns[3]) + "\n")
			return nil
		}
		if err := s.writer.on.query(row, "EXPLAIN QUERY PLAN "+statement, args...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if sorts.MatchString(values.ReplaceAllString(plan.String(), "")) {
			t.Errorf("%s:\n%s", name, plan.String())
		}
		t.Logf("%s:\n%s", name, plan.String())
	}
}

// An instance whose row somebody has deleted by hand does not complete.
func TestCompletionNeedsTheRow(t *testing.T) {
	t.Parallel()
	s := openMemory(t)
	add := func(c store.Change) error {
		c.Instance, c.Now, c.Events = key("1"), now, event(`{}`)
		return s.Append(t.Context(), store.Batch{Commit: 1, Changes: []store.Change{c}})
	}
	if err := add(store.Change{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB().Exec(`DELETE FROM ironflow_instances`); err != nil {
		t.Fatal(err)
	}
	if err := add(store.Change{Version: 1, Complete: true}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got error %v, want ErrConflict", err)
	}
}
