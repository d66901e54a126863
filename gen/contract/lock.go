package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// Suffix ends the name of a lock.
const Suffix = ".ironflow.lock"

const (
	format  = "1"
	head    = "ironflow-lock "
	comment = `# What is stored of the workflow, in all its versions. "ironflow-gen" adds to this file. Commit it, and do not edit it.`
	end     = "# end"
	gone    = "(gone)"
)

// Format returns the text of a lock.
func (s *Set) Format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%s %s\n%s\n", head, format, quoteIfNeeded(s.Workflow), comment)
	for _, f := range s.Facts() {
		text := f.text()
		fmt.Fprintf(&b, "%s #%s\n", text, sum(s.Workflow, text))
	}
	b.WriteString(end + "\n")
	return b.Bytes()
}

// text is the line of a fact without its hash.
func (f *Fact) text() string {
	text := f.Key() + ":"
	if f.Value != "" {
		text += " " + f.Value
	}
	if f.Gone {
		text += " " + gone
	}
	return text
}

func sum(workflow, text string) string {
	hash := sha256.Sum256([]byte(workflow + "\x00" + text))
	return hex.EncodeToString(hash[:3])
}

// quoteIfNeeded quotes a part of a path that could be mistaken for something else.
func quoteIfNeeded(part string) string {
	plain := part != "" && strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") == ""
	if plain {
		return part
	}
	return strconv.Quote(part)
}

// Parse reads a lock. file is its name for positions; it is not opened. workflow is the stored name of the workflow that the lock
// should belong to, "" for any. The error is a [diagnostic.Errors] with the line and the next step of each mistake, and there is no set.
func Parse(file string, content []byte, workflow string) (*Set, error) {
	p := parser{file: file}
	set := p.parse(string(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))), workflow)
	if err := p.list.Err(); err != nil {
		return nil, err
	}
	return set, nil
}

type parser struct {
	file string
	list diagnostic.List
}

func (p *parser) report(line int, code diagnostic.Code, format string, args ...any) *diagnostic.Diagnostic {
	return p.list.Report(diagnostic.Pos{File: p.file, Line: line, Col: 1}, code, format, args...)
}

// restore is the next step for a lock that cannot be read.
const restore = `restore the file from version control, and run "ironflow-gen" again`

func (p *parser) parse(text, workflow string) *Set {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		for _, mark := range []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"} {
			if strings.HasPrefix(line, mark) {
				p.report(i+1, diagnostic.LockConflict, `the lock has the marks of a merge conflict; keep the lines of both sides, delete the marks, and run "ironflow-gen" again`)
				return nil
			}
		}
	}
	name, ok := p.head(lines[0], workflow)
	if !ok {
		return nil
	}
	set := newSet(name, diagnostic.Pos{File: p.file, Line: 1, Col: 1})
	last := ""
	for i, line := range lines[1:] {
		if line = strings.TrimRight(line, " \t"); line == "" {
			continue
		}
		if last = line; line[0] == '#' {
			continue
		}
		p.line(set, i+2, line)
	}
	if last != end {
		p.report(len(lines), diagnostic.LockTruncated, "the lock does not end with %q, so a part of it is missing; "+restore, end)
	}
	return set
}

// head reads the first line.
func (p *parser) head(line, workflow string) (name string, ok bool) {
	version, rest, ok := strings.Cut(strings.TrimPrefix(line, head), " ")
	parts, rest, read := path(rest)
	switch {
	case !strings.HasPrefix(line, head) || !ok:
		p.report(1, diagnostic.LockEdited, "the lock does not begin with %q and a workflow; "+restore, head+format)
		return "", false
	case version != format:
		if n, err := strconv.Atoi(version); err == nil && n > 1 {
			p.report(1, diagnostic.LockFormat, "the lock has format %d, and this ironflow-gen knows format %s; use the ironflow-gen that wrote it, or a newer one", n, format)
			return "", false
		}
		fallthrough
	case !read || len(parts) != 1 || strings.TrimSpace(rest) != "":
		p.report(1, diagnostic.LockEdited, "the first line of the lock cannot be read; "+restore)
		return "", false
	case workflow != "" && parts[0] != workflow:
		p.report(1, diagnostic.LockForeign, `the lock is that of the workflow %q, and the declaration beside it stores %q; write "as: %s" to keep what is stored, or move the lock to the declaration that it belongs to`,
			parts[0], workflow, parts[0])
		return "", false
	}
	return parts[0], true
}

// line reads a fact.
func (p *parser) line(set *Set, number int, line string) {
	at := strings.LastIndex(line, " #")
	if at < 0 || len(line)-at != len(" #123456") || line[at+2:] != sum(set.Workflow, line[:at]) {
		p.report(number, diagnostic.LockEdited, "this line is not as ironflow-gen wrote it for the workflow %q; %s", set.Workflow, restore)
		return
	}
	f := &Fact{Pos: diagnostic.Pos{File: p.file, Line: number, Col: 1}}
	parts, rest, ok := path(line[:at])
	value, colon := strings.CutPrefix(rest, ":")
	if !ok || !colon {
		p.report(number, diagnostic.LockEdited, "this line cannot be read; "+restore)
		return
	}
	value = strings.TrimPrefix(value, " ")
	f.Path = parts
	if value == gone {
		f.Gone = true
	} else {
		f.Value, f.Gone = strings.CutSuffix(value, " "+gone)
	}
	first, again := set.facts[f.Key()]
	switch {
	case !again:
		set.put(f)
	case first.Value == f.Value: // two branches have said the same; what one of them still has is not gone
		first.Gone = first.Gone && f.Gone
	case !isPermanent(f): // the declaration decides
	case isSample(f): // two branches have made one of the same version, and each is as good
	default:
		p.report(number, diagnostic.LockTwice, "the lock says two things of %s; keep the line that was deployed first, and delete the other", f.Key()).
			Relate(first.Pos, "the other line")
	}
}

// path reads the parts of a path up to what cannot belong to one.
func path(text string) (parts []string, rest string, ok bool) {
	for {
		switch text = strings.TrimPrefix(text, " "); {
		case text == "" || text[0] == ':':
			return parts, text, len(parts) > 0
		case text[0] == '"':
			quoted, err := strconv.QuotedPrefix(text)
			if err != nil {
				return nil, text, false
			}
			part, _ := strconv.Unquote(quoted) // of which QuotedPrefix has made sure
			parts, text = append(parts, part), text[len(quoted):]
		default:
			n := strings.IndexAny(text, ` :"`)
			if n < 0 {
				n = len(text)
			}
			parts, text = append(parts, text[:n]), text[n:]
		}
	}
}

// settings are the facts of which the lock has the latest value: kinds of which everything is one, and parts of other kinds.
var settings = map[string][]string{
	"accept":   nil,
	"http":     nil,
	"search":   nil,
	"personal": nil,
	"subject":  nil,
	"state":    nil,
	"type":     nil,
	"effect":   {"retry", "key", "to", "ended", "refused", "dead", "returns"},
	"timer":    {"after", "schedule", "while"},
	"schedule": {"when", "instance"},
	"input":    {"unique"},
}

// isPermanent reports whether the line of a fact stays in the lock.
func isPermanent(f *Fact) bool {
	parts, has := settings[f.Path[0]]
	return !has || parts != nil && (len(f.Path) < 3 || !slices.Contains(parts, f.Path[2]))
}
