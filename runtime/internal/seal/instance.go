package seal

import "github.com/ironflow-gen/ironflow/runtime/store"

// EachPayload calls yield for all payloads of an instance.
func EachPayload(r *store.StoredInstance, yield func(*[]byte, store.InstanceKey)) {
	for i := range r.Events {
		yield(&r.Events[i].Payload, r.Key)
	}
	for i := range r.Effects {
		yield(&r.Effects[i].Payload, r.Key)
	}
	for i := range r.Timers {
		yield(&r.Timers[i].Payload, r.Key)
	}
	for i := range r.Outcomes {
		yield(&r.Outcomes[i].Outcome, r.Key)
	}
}
