package postgres

import "strings"

// pageByBytes makes of a query, which ends with its ORDER BY and LIMIT, one whose rows also end with the one that fills a page by
// the bytes of its JSON columns. The parameter is the number of bytes. The server stops there, so that neither it nor the client holds more.
//
// What a value takes as text is only known when it is decompressed. So the stored sizes, which cost nothing and are never larger, say
// first which rows there can be at all. A value of 200 stored bytes or less is worth no closer look.
func pageByBytes(query, order, parameter string, columns ...string) string {
	var stored, text []string
	for _, column := range columns {
		size := "coalesce(greatest(pg_column_size(" + column + ") - 4, 0), 0)"
		stored = append(stored, size)
		text = append(text, "CASE WHEN pg_column_size("+column+") > 200 THEN octet_length("+column+"::text) ELSE "+size+" END")
	}
	before := func(size []string) string {
		return "coalesce(sum(" + strings.Join(size, " + ") + ") OVER (ORDER BY " + order + " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)"
	}
	return `
SELECT * FROM (
    SELECT q.*, ` + before(text) + ` AS bytes_before
    FROM (
        SELECT p.*, ` + before(stored) + ` AS stored_before
        FROM (` + query + `) p
    ) q
    WHERE stored_before < ` + parameter + `::bigint
) r
WHERE bytes_before < ` + parameter + `::bigint
ORDER BY ` + order
}
