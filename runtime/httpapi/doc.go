// Package httpapi serves a workflow over HTTP, and has a client for such a server. A declaration with "http: true" generates a
// handler and a client that use this package: generated code knows the declared types, and this package the protocol.
//
//	POST /{workflow}/inputs/{Input}      sends an input, a flat JSON object as its codec writes it
//	GET  /{workflow}/{id}                state of an instance; ?version=N as it was then
//	GET  /{workflow}/{id}/state          the same, for instances that are called "machine" or "openapi.json"
//	GET  /{workflow}/{id}/history        events of an instance, oldest first; ?after=VERSION and ?limit=N
//	GET  /{workflow}/{id}/await          the state, once the instance has completed; ?status=NAME, ?version=N or ?delivered=N wait for
//	                                     something else, and ?timeout=SECONDS says how long
//	GET  /{workflow}/{id}/events         events of an instance as server-sent events, as they are stored; ?after=VERSION
//	GET  /{workflow}/machine             the state machine as JSON, or as Mermaid with ?format=mermaid or Accept: text/vnd.mermaid
//	GET  /{workflow}/openapi.json        the OpenAPI 3.1 document of all this
//
// The id of an instance is one segment of the path: either the escaped id, or "~" and the id in base64url without padding. Use
// the second form for ids that begin with "~", and for ".", ".." and ids with "//", which muxes and proxies that clean paths
// would change. The handler never redirects. The header Idempotency-Key makes it safe to send an input again, as
// [runtime.WithInputID] does. The header traceparent names the trace that an input belongs to, as [runtime.WithTrace] does; if a
// middleware has put a span into the request's context, that span is used instead.
//
// # Answers
//
// The answer to an accepted input is 200 with an [Accepted]. All other answers to inputs are an [Error], whose code says more
// than the status:
//
//	400  malformed_json, bad_request
//	404  unknown_path, unknown_input, unknown_instance, unknown_version
//	405  method_not_allowed; with Allow
//	409  rejected, already_completed, unique_key_conflict, never_reached, dead_effects
//	413  too_large
//	415  unsupported_media_type
//	422  invalid_input, with all places where it is wrong, at most codec.MaxErrors; idempotency_key_reused
//	500  internal
//	503  unavailable, paused; with Retry-After
//	504  outcome_unknown
//
// An internal error is logged, and answered with 500 without details. 503 means that nothing was stored: the store is
// unavailable, there was no answer in time, or the instance has events that only a newer program can read. 504 means that the
// answer of the store was lost.
package httpapi
