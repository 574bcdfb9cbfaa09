package api

import (
	"context"

	"doorstep/catalog"
	"doorstep/order"

	"github.com/google/uuid"
)

// orderImports takes in files of past orders.
type orderImports interface {
	StartImport(ctx context.Context, merchant uuid.UUID, f order.ImportFile, o order.ImportOptions) (*order.Import, error)
	Import(ctx context.Context, merchant, id uuid.UUID) (*order.Import, error)
	Imports(ctx context.Context, merchant uuid.UUID) ([]order.Import, error)
	ImportErrors(ctx context.Context, merchant, id uuid.UUID, limit int, cursor string) ([]order.ImportError, string, error)
}

type orderImporter struct{ svc orderImports }

func (o orderImporter) start(ctx context.Context, merchant uuid.UUID, f catalog.ImportFile, options catalog.ImportOptions) (Import, error) {
	i, err := o.svc.StartImport(ctx, merchant, order.ImportFile(f), order.ImportOptions{Currency: options.Currency})
	if err != nil {
		return Import{}, err
	}
	return orderImportOf(i), nil
}

func (o orderImporter) one(ctx context.Context, merchant, importID uuid.UUID) (Import, error) {
	i, err := o.svc.Import(ctx, merchant, importID)
	if err != nil {
		return Import{}, err
	}
	return orderImportOf(i), nil
}

func (o orderImporter) all(ctx context.Context, merchant uuid.UUID) ([]Import, error) {
	found, err := o.svc.Imports(ctx, merchant)
	all := make([]Import, len(found))
	for n := range found {
		all[n] = orderImportOf(&found[n])
	}
	return all, err
}

func (o orderImporter) wrong(ctx context.Context, merchant, importID uuid.UUID, limit int, cursor string) ([]ImportRowError, string, error) {
	found, next, err := o.svc.ImportErrors(ctx, merchant, importID, limit, cursor)
	all := make([]ImportRowError, len(found))
	for n, e := range found {
		all[n] = ImportRowError(e)
	}
	return all, next, err
}

func orderImportOf(i *order.Import) Import {
	b := Import{
		ID: i.ID, Kind: i.Kind, FileName: i.FileName, Status: i.Status, BytesTotal: i.BytesTotal, BytesDone: i.BytesDone,
		RowsDone: i.RowsDone, RowsFailed: i.RowsFailed, Failure: i.Failure, CreatedAt: i.CreatedAt, StartedAt: i.StartedAt, FinishedAt: i.FinishedAt,
	}
	b.Percent = b.percent()
	return b
}
