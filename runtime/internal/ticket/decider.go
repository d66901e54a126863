package ticket

import "time"

// Decider does what its fields say, and something plain where one is nil. Fields are not changed after NewWorkflow.
type Decider struct {
	OnOpen       func(now time.Time, s State, in Open) OpenDecision
	OnImport     func(now time.Time, s State, in Import) ImportDecision
	OnNote       func(now time.Time, s State, in Note) NoteDecision
	OnAssigned   func(now time.Time, s State, in Assigned) AssignedDecision
	OnNobodyFree func(now time.Time, s State, in NobodyFree) NobodyFreeDecision
	OnRemind     func(now time.Time, s State, in Remind) RemindDecision
	OnExpire     func(now time.Time, s State, in Expire) ExpireDecision
	OnHold       func(now time.Time, s State, in Hold) HoldDecision
	OnResume     func(now time.Time, s State, in Resume) ResumeDecision
	OnMerge      func(now time.Time, s State, in Merge) MergeDecision
	OnSolve      func(now time.Time, s State, in Solve) SolveDecision
}

var _ InputDecider = Decider{}

// Open takes the request.
func (d Decider) Open(now time.Time, s State, in Open) OpenDecision {
	if d.OnOpen != nil {
		return d.OnOpen(now, s, in)
	}
	return AcceptOpen(Opened{Subject: in.Subject})
}

// Import takes the request and says where it is from.
func (d Decider) Import(now time.Time, s State, in Import) ImportDecision {
	if d.OnImport != nil {
		return d.OnImport(now, s, in)
	}
	return AcceptImport(Opened{Subject: in.Subject}, Tagged{Tag: "import"})
}

// Note notes the remark.
func (d Decider) Note(now time.Time, s State, in Note) NoteDecision {
	if d.OnNote != nil {
		return d.OnNote(now, s, in)
	}
	return AcceptNote(Noted{Text: in.Text})
}

// Assigned notes who helps.
func (d Decider) Assigned(now time.Time, s State, in Assigned) AssignedDecision {
	if d.OnAssigned != nil {
		return d.OnAssigned(now, s, in)
	}
	return AcceptAssigned(AgentAssigned{Agent: in.Agent})
}

// NobodyFree ends the ticket.
func (d Decider) NobodyFree(now time.Time, s State, in NobodyFree) NobodyFreeDecision {
	if d.OnNobodyFree != nil {
		return d.OnNobodyFree(now, s, in)
	}
	return AcceptNobodyFree(Closed{Reason: in.Reason})
}

// Remind notes the reminder, and its now.
func (d Decider) Remind(now time.Time, s State, in Remind) RemindDecision {
	if d.OnRemind != nil {
		return d.OnRemind(now, s, in)
	}
	return AcceptRemind(Reminded{Text: in.Text, At: now})
}

// Expire ends the ticket.
func (d Decider) Expire(now time.Time, s State, in Expire) ExpireDecision {
	if d.OnExpire != nil {
		return d.OnExpire(now, s, in)
	}
	return AcceptExpire(Closed{Reason: "stale"})
}

// Hold lets the ticket wait.
func (d Decider) Hold(now time.Time, s State, in Hold) HoldDecision {
	if d.OnHold != nil {
		return d.OnHold(now, s, in)
	}
	return AcceptHold(Held{})
}

// Resume goes on.
func (d Decider) Resume(now time.Time, s State, in Resume) ResumeDecision {
	if d.OnResume != nil {
		return d.OnResume(now, s, in)
	}
	return AcceptResume(Resumed{})
}

// Merge goes on with another subject.
func (d Decider) Merge(now time.Time, s State, in Merge) MergeDecision {
	if d.OnMerge != nil {
		return d.OnMerge(now, s, in)
	}
	return AcceptMerge(Opened{Subject: in.Subject})
}

// Solve ends the ticket.
func (d Decider) Solve(now time.Time, s State, in Solve) SolveDecision {
	if d.OnSolve != nil {
		return d.OnSolve(now, s, in)
	}
	return AcceptSolve(Solved{})
}

// Evolver folds events plainly, unless its field says otherwise.
type Evolver struct {
	OnNoted func(s State, e Noted) State
}

var _ EventEvolver = Evolver{}

// Opened notes the subject.
func (Evolver) Opened(s State, e Opened) State {
	s.Subject = e.Subject
	return s
}

// Noted notes the remark.
func (v Evolver) Noted(s State, e Noted) State {
	if v.OnNoted != nil {
		return v.OnNoted(s, e)
	}
	s.Notes = append(s.Notes, e.Text)
	return s
}

// AgentAssigned notes who helps.
func (Evolver) AgentAssigned(s State, e AgentAssigned) State {
	s.Agent = e.Agent
	return s
}

// Reminded notes when.
func (Evolver) Reminded(s State, e Reminded) State {
	s.Reminders = append(s.Reminders, e.At)
	return s
}

// Tagged changes nothing but the status.
func (Evolver) Tagged(s State, _ Tagged) State { return s }

// Escalated changes nothing but the status.
func (Evolver) Escalated(s State, _ Escalated) State { return s }

// Held changes nothing but the status.
func (Evolver) Held(s State, _ Held) State { return s }

// Resumed changes nothing but the status.
func (Evolver) Resumed(s State, _ Resumed) State { return s }

// Solved changes nothing but the status.
func (Evolver) Solved(s State, _ Solved) State { return s }

// Closed changes nothing but the status.
func (Evolver) Closed(s State, _ Closed) State { return s }
