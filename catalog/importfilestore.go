package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// ImportFilesNeeded lists the files that imports of every kind and merchant
// have still to read. All others may be removed.
func (s *Service) ImportFilesNeeded(ctx context.Context) ([]string, error) {
	rows, err := s.db.Query(ctx, `select file_path from imports where status in ($1, $2)`, ImportQueued, ImportRunning)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
