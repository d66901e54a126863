package spec

import "slices"

// otherWords are keys of other tools, and what they are called here.
var otherWords = map[string]string{
	"final": "terminal", "end": "terminal", "ends": "terminal", "done": "terminal", "completed": "terminal", "transitions": "accepts",
	"refuse": "reject", "refuses": "reject", "rejection": "reject", "Reject": "reject", "error": "reject",
	"result": "returns", "results": "returns", "in": "while", "states": "while", "delay": "after",
	"cron": "schedule", "every": "schedule", "timezone": "zone", "time_zone": "zone", "tz": "zone", "location": "zone",
	"catchup": "missed", "catch_up": "missed", "misfire": "missed", "target": "instance",
	"child": "starts", "on_end": "ended", "finished": "ended", "signal": "sends", "dead_letter": "dead", "on_dead": "dead", "on_failure": "dead",
	"concurrency": "limit", "rate": "limit", "rate_limit": "limit", "throttle": "limit",
	"description": "doc", "comment": "doc", "params": "fields", "payload": "fields", "properties": "fields",
}

// OtherWord returns the key for what other tools call by a word, "" when there is none.
func OtherWord(word string) string { return otherWords[word] }

// SuggestKey is [Suggest] for keys: it also knows what other tools call them.
func SuggestKey(key string, known []string) (nearest, hint string) {
	nearest, hint = Suggest(key, known)
	if word := otherWords[key]; nearest == "" && slices.Contains(known, word) {
		return word, "write " + quote(word)
	}
	return nearest, hint
}
