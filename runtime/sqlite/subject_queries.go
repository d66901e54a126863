package sqlite

// The statements of [store.SubjectKeys].
const (
	readSubjectKey = `
SELECT secret, created_at, forgotten_at, forgotten_by, reason FROM ironflow_subject_keys WHERE subject = ?`
	addSubjectKey = `
INSERT INTO ironflow_subject_keys (subject, secret, created_at) VALUES (?, ?, ?) ON CONFLICT (subject) DO NOTHING`
	forgetSubject = `
INSERT INTO ironflow_subject_keys AS s (subject, created_at, forgotten_at, forgotten_by, reason) VALUES (?1, ?2, ?2, ?3, ?4)
ON CONFLICT (subject) DO UPDATE
SET secret = NULL, forgotten_at = excluded.forgotten_at, forgotten_by = excluded.forgotten_by, reason = excluded.reason
WHERE s.forgotten_at IS NULL`

	// With secure_delete, SQLite overwrites what a change deletes from a page. It is on while keys are written: a row that moves to another
	// page must leave no copy of its key.
	readSecureDelete = `PRAGMA secure_delete`
	overwriteDeleted = `PRAGMA secure_delete = ON`
	keepDeleted      = `PRAGMA secure_delete = OFF`

	// emptyLog copies all commits into the file and truncates the write-ahead log, which has older versions of pages.
	emptyLog = `PRAGMA wal_checkpoint(TRUNCATE)`
)
