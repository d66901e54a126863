package spec

import (
	"slices"
	"strings"
)

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

// concepts are words of other systems for what has no key of its own here, with how it is said.
var concepts = map[string]string{}

func init() {
	for words, said := range map[string]string{
		"initial,initialstate,start,startat,begin":                             "the first of the states is the initial one",
		"parallel,regions,orthogonal,fork,join,concurrent":                     "an instance is in one state; run parallel work as several effects, or as workflows of their own with starts",
		"entry,onentry,onenter,enter,exit,onexit,leave,onleave":                "effects belong to the input and the event that lead to a state, and a timer comes and goes with a state by while",
		"ondone,onerror,oncomplete,onsuccess,callback":                         "an effect names the inputs that it ends with in returns, and the one for a dead letter in dead",
		"invoke,activity,activities,task,tasks,action,actions,run":             "declare an effect, and list it in effects of the input that leads to it",
		"guard,guards,cond,condition,conditions,if,when,choice":                "allow several events of the input; the decider chooses one of them, or rejects",
		"always,transient,immediate,eventless":                                 "nothing happens without an input; emit several events in one decision, or start a timer",
		"catch,try,retrycatch,compensate,compensation,onfail,finally,rollback": "name the input for an effect that has failed for good in its dead, and decide on it",
		"after,delay,delayed,timeout,timeouts,wait,sleep,deadline":             "declare a timer with after, and with while if it belongs to a state; timeout is for effects",
		"retry,retries,backoff,maxattempts":                                    "an effect has its own retry",
		"assign,context,data,variables,vars,update":                            "declare the fields of the state; the evolver sets them",
		"signal,signals,command,commands,message,messages":                     "what reaches an instance is declared under inputs",
		"query,queries":  "the client reads the state; projections answer other questions",
		"history,memory": "keep the state to go back to in a field, and allow several events of the input",
		"nested,substates,children,compound,submachine,subprocess": "states do not nest; start another workflow with starts, or declare a state for each combination",
		"goto,next,to,target,transition":                           "write the event and the state that it leads to, like {Created: open}",
		"steps,step,sequence,flow,workflowsteps":                   "declare states, and what each accepts; what is done in between is an effect",
		"foreach,map,loop,repeat,while":                            "ask for several effects in one decision, or start a timer that fires again and again with schedule",
		unionWords:                                                 Union,
	} {
		for word := range strings.SplitSeq(words, ",") {
			concepts[word] = said
		}
	}
}

// unionWords are what other systems call a type that is one of several.
const unionWords = "oneof,anyof,union,unions,variant,variants,sum,sumtype,sealed,tagged,taggedunion,discriminator,discriminatedunion,polymorphic,cases"

// Union says how to declare what is one of several.
const Union = "declare a struct with a tag, which is a field of an enum, and an optional field for the data of each value, " +
	"like Payment: {kind: PaymentKind, card: optional<Card>}"

// IsUnionWord reports whether other systems begin by this word a type that is one of several.
func IsUnionWord(word string) bool { return Concept(word) == Union }

// Concept says how something is written that a word of another system stands for, "" when the word is none.
func Concept(word string) string {
	return concepts[strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(word))]
}

// SuggestKey is [Suggest] for keys: it also knows what other tools call them.
func SuggestKey(key string, known []string) (nearest, hint string) {
	nearest, hint = Suggest(key, known)
	if word := otherWords[key]; nearest == "" && slices.Contains(known, word) {
		return word, "write " + quote(word)
	}
	if said := Concept(key); nearest == "" && said != "" {
		return "", said
	}
	return nearest, hint
}
