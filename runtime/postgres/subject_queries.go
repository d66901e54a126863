package postgres

// subjectQueries are the statements of store.SubjectKeys.
type subjectQueries struct{ read, add, forget string }

func newSubjectQueries(in func(sql string) string) subjectQueries {
	return subjectQueries{read: in(readSubjectKeys), add: in(addSubjectKeys), forget: in(forgetSubject)}
}

const readSubjectKeys = `
SELECT k.number, s.secret, s.created_at, s.forgotten_at, coalesce(s.forgotten_by, ''), coalesce(s.reason, '')
FROM unnest($1::text[]) WITH ORDINALITY AS k (subject, number)
JOIN ironflow.subject_keys s USING (subject)`

// addSubjectKeys refuses when one of the subjects has a key. Two transactions that add the same keys wait for each other, in the order of
// the subjects.
var addSubjectKeys = touchAll(`
INSERT INTO ironflow.subject_keys (subject, secret, created_at)
SELECT k.subject, k.secret, k.at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS k (subject, secret, at)
ORDER BY k.subject COLLATE "C"
ON CONFLICT (subject) DO NOTHING
RETURNING 1`, refusedConflict, "a subject has a key already", "''")

// forgetSubject returns true if the subject had a key, false if it was unknown, and nothing if it was forgotten before: only an updated row
// has an xmax. What changes nothing is not recorded.
var forgetSubject = `
WITH done AS (
INSERT INTO ironflow.subject_keys AS s (subject, created_at, forgotten_at, forgotten_by, reason)
VALUES ($1::text, $2::timestamptz, $2::timestamptz, $3::text, $4::text)
ON CONFLICT (subject) DO UPDATE
SET secret = NULL, forgotten_at = excluded.forgotten_at, forgotten_by = excluded.forgotten_by, reason = excluded.reason
WHERE s.forgotten_at IS NULL
RETURNING s.xmax <> 0 AS had
)` + auditing("$5") + `
SELECT had FROM done`
