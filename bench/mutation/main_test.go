package main

import (
	"slices"
	"testing"
)

func TestMutations(t *testing.T) {
	const source = `package p

func pay(s State, in Pay) Decision {
	if in.Cents < s.Total {
		return Reject(Underpaid{Missing: s.Total - in.Cents})
	}
	s.Count++
	return Accept(Paid{}).Effect(Mail{To: "x"})
}
`
	list, err := mutations([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.what)
		if changed := string(m.apply([]byte(source))); changed == source {
			t.Errorf("%s changes nothing", m.what)
		}
	}
	want := []string{
		"the opposite of in.Cents < s.Total",
		"<= in place of < in in.Cents < s.Total",
		"that there is no Missing: s.Total - in.Cents",
		"+ in place of - in s.Total - in.Cents",
		"that there is no s.Count++",
		`that there is no .Effect(Mail{To: "x"})`,
		`that there is no To: "x"`,
		`another text than "x"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
