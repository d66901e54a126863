package diagnostic

import "os"

// JSON is a diagnostic as editors get it. Lines and columns count from 1, columns in bytes. The range is the word that the
// diagnostic is about.
type JSON struct {
	File      string        `json:"file"`
	Line      int           `json:"line"`
	Column    int           `json:"column"`
	EndLine   int           `json:"endLine"`
	EndColumn int           `json:"endColumn"`
	Severity  string        `json:"severity"` // error or warning
	Code      Code          `json:"code"`
	Title     string        `json:"title"` // of the code
	Message   string        `json:"message"`
	Fix       string        `json:"fix,omitempty"`
	Related   []RelatedJSON `json:"related,omitempty"`
}

// RelatedJSON is a related place as editors get it.
type RelatedJSON struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine"`
	EndColumn int    `json:"endColumn"`
	Message   string `json:"message"`
}

// JSON returns the list for editors; it is never nil. The files are read for the ends of the ranges; read is os.ReadFile if
// nil.
func (e Errors) JSON(read func(file string) ([]byte, error)) []JSON {
	if read == nil {
		read = os.ReadFile
	}
	src := newSources(read)
	list := make([]JSON, 0, len(e))
	for _, d := range e {
		j := JSON{
			File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Col, EndLine: d.Pos.Line, EndColumn: src.end(d.Pos),
			Severity: d.Severity().String(), Code: d.Code, Title: d.Code.Rule().Title, Message: d.Message, Fix: d.Fix,
		}
		for _, r := range d.Related {
			j.Related = append(j.Related, RelatedJSON{
				File: r.Pos.File, Line: r.Pos.Line, Column: r.Pos.Col, EndLine: r.Pos.Line, EndColumn: src.end(r.Pos), Message: r.Message,
			})
		}
		list = append(list, j)
	}
	return list
}
