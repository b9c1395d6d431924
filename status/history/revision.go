package history

import "context"

// Revisions are those that a task has run and whose names begin with these digits, at most 100.
func (h *History) Revisions(ctx context.Context, task, digits string) ([]string, error) {
	db, err := h.open(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.reader.QueryContext(ctx, `SELECT DISTINCT sha FROM runs WHERE task = ?1 AND substr(sha, 1, length(?2)) = lower(?2) LIMIT 100`, task, digits)
	if err != nil {
		return nil, said("list revisions", err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var sha string
		if err := rows.Scan(&sha); err != nil {
			return nil, said("list revisions", err)
		}
		all = append(all, sha)
	}
	return all, said("list revisions", rows.Err())
}
