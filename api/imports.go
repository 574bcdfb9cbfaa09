package api

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"doorstep/catalog"
	"doorstep/internal/clock"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// productImports takes in files of products.
type productImports interface {
	StartImport(ctx context.Context, merchant uuid.UUID, f catalog.ImportFile, o catalog.ImportOptions) (catalog.Import, error)
	Import(ctx context.Context, merchant, importID uuid.UUID) (catalog.Import, error)
	Imports(ctx context.Context, merchant uuid.UUID) ([]catalog.Import, error)
	ImportErrors(ctx context.Context, merchant, importID uuid.UUID, limit int, cursor string) ([]catalog.ImportError, string, error)
}

// Import is a file on its way in. Bad rows do not stop it; failed is a file that
// cannot be read at all.
type Import struct {
	ID         uuid.UUID  `json:"id" format:"uuid"`
	Kind       string     `json:"kind" enum:"products,orders"`
	FileName   string     `json:"file_name,omitempty"`
	Status     string     `json:"status" enum:"queued,running,done,failed"`
	BytesTotal int64      `json:"bytes_total"`
	BytesDone  int64      `json:"bytes_done"`
	Percent    int64      `json:"percent" minimum:"0" maximum:"100"`
	RowsDone   int64      `json:"rows_done"`
	RowsFailed int64      `json:"rows_failed"`
	Failure    string     `json:"failure,omitempty" doc:"Why the file cannot be taken in at all"`
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// percent is how much of the file is stored.
func (i *Import) percent() int64 {
	switch {
	case i.Status == string(catalog.ImportDone):
		return 100
	case i.BytesTotal <= 0:
		return 0
	}
	return min(99, 100*i.BytesDone/i.BytesTotal)
}

// ImportRowError is one thing wrong with one row of a file.
type ImportRowError struct {
	Row     int64  `json:"row" doc:"As a spreadsheet counts: the first line is 1"`
	Field   string `json:"field,omitempty"`
	Code    string `json:"code" example:"invalid_value"`
	Message string `json:"message"`
}

// importer is a kind of import, whichever room does it.
type importer interface {
	start(ctx context.Context, merchant uuid.UUID, f catalog.ImportFile, o catalog.ImportOptions) (Import, error)
	one(ctx context.Context, merchant, importID uuid.UUID) (Import, error)
	all(ctx context.Context, merchant uuid.UUID) ([]Import, error)
	wrong(ctx context.Context, merchant, importID uuid.UUID, limit int, cursor string) ([]ImportRowError, string, error)
}

type productImporter struct{ svc productImports }

func (p productImporter) start(ctx context.Context, merchant uuid.UUID, f catalog.ImportFile, o catalog.ImportOptions) (Import, error) {
	i, err := p.svc.StartImport(ctx, merchant, f, o)
	return productImportOf(i), err
}

func (p productImporter) one(ctx context.Context, merchant, importID uuid.UUID) (Import, error) {
	i, err := p.svc.Import(ctx, merchant, importID)
	return productImportOf(i), err
}

func (p productImporter) all(ctx context.Context, merchant uuid.UUID) ([]Import, error) {
	found, err := p.svc.Imports(ctx, merchant)
	all := make([]Import, len(found))
	for n, i := range found {
		all[n] = productImportOf(i)
	}
	return all, err
}

func (p productImporter) wrong(ctx context.Context, merchant, importID uuid.UUID, limit int, cursor string) ([]ImportRowError, string, error) {
	found, next, err := p.svc.ImportErrors(ctx, merchant, importID, limit, cursor)
	all := make([]ImportRowError, len(found))
	for n, e := range found {
		all[n] = ImportRowError(e)
	}
	return all, next, err
}

func productImportOf(i catalog.Import) Import {
	b := Import{
		ID: i.ID, Kind: i.Kind, FileName: i.FileName, Status: string(i.Status), BytesTotal: i.BytesTotal, BytesDone: i.BytesDone,
		RowsDone: i.RowsDone, RowsFailed: i.RowsFailed, Failure: i.Failure, CreatedAt: i.CreatedAt, StartedAt: i.StartedAt, FinishedAt: i.FinishedAt,
	}
	b.Percent = b.percent()
	return b
}

type startImportIn struct {
	Kind      string `query:"kind" enum:"products,orders" default:"products"`
	Currency  string `query:"currency" maxLength:"3" example:"EUR" doc:"Of prices that name none; the shop's first when absent"`
	KeepStock bool   `query:"keep_stock" doc:"Leave stock as it is, for a file of products that is older than the last sales"`
	Name      string `query:"file_name" maxLength:"200" doc:"To know it again"`
}

type startImportOut struct {
	Location string `header:"Location"`
	Body     Import
}

type importOut struct {
	Body Import
}

type listImportErrorsIn struct {
	ByID
	PageQuery
}

const importErrorList = "import-errors"

// importRoom answers the routes about imports.
type importRoom struct {
	server    *Server
	importers map[string]importer // by kind
	shops     *shops
}

// importScopes are what each kind changes.
var importScopes = map[string]string{"products": "catalog:write", "orders": "orders:write"}

func registerImports(s *Server, importers map[string]importer, shops *shops) {
	r := &importRoom{server: s, importers: importers, shops: shops}
	const path = "/v1/imports"
	handle(s, Route{
		ID: "start-import", Method: http.MethodPost, Path: path, Status: http.StatusAccepted, Tag: "imports", Summary: "Take in a CSV file of products or past orders",
		Description: "The body is the file itself, up to 512 MiB: products as Shopify exports them or in the plain form of the export, or past orders. It can be repeated: what is there already is not doubled. Orders need the scope orders:write besides.",
		Auth:        secret("catalog:write"), Upload: true, Errors: []*fault.Error{errScopeMissing, errKind, errTooLarge, money.ErrCurrency},
	}, r.start)
	s.huma.OpenAPI().Paths[path].Post.RequestBody = &huma.RequestBody{
		Required: true, Description: "The file", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
	handle(s, Route{
		ID: "list-imports", Method: http.MethodGet, Path: path, Tag: "imports", Summary: "List the latest imports, the newest first",
		Auth: secret("catalog:read"),
	}, func(ctx context.Context, _ *struct{}) (*listOut[Import], error) {
		var all []Import
		for _, i := range r.importers {
			some, err := i.all(ctx, caller(ctx).Merchant)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		slices.SortFunc(all, func(a, b Import) int { return strings.Compare(b.ID.String(), a.ID.String()) }) // ids are made in the order of time
		return listOf(all[:min(len(all), 100)], "", func(i Import) Import { return i }), nil
	})
	handle(s, Route{
		ID: "read-import", Method: http.MethodGet, Path: path + "/{id}", Tag: "imports", Summary: "Read how far an import is",
		Auth: secret("catalog:read"), Errors: []*fault.Error{catalog.ErrImportNotFound},
	}, func(ctx context.Context, in *ByID) (*importOut, error) {
		_, i, err := r.find(ctx, in.ID)
		return &importOut{Body: i}, err
	})
	handle(s, Route{
		ID: "list-import-errors", Method: http.MethodGet, Path: path + "/{id}/errors", Tag: "imports", Summary: "List what is wrong with the rows of a file, in its order",
		Auth: secret("catalog:read"), Errors: []*fault.Error{catalog.ErrImportNotFound, errCursor},
	}, func(ctx context.Context, in *listImportErrorsIn) (*listOut[ImportRowError], error) {
		cursor, err := roomCursor(importErrorList, in.Cursor)
		if err != nil {
			return nil, err
		}
		of, _, err := r.find(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		list, next, err := of.wrong(ctx, caller(ctx).Merchant, in.ID, in.Limit, cursor)
		if err != nil {
			return nil, err
		}
		return listOf(list, pageCursor(importErrorList, next), func(e ImportRowError) ImportRowError { return e }), nil
	})
}

var errKind = fault.New(fault.Invalid, "import_kind_unknown", "Files of this kind cannot be taken in.")

func (r *importRoom) start(ctx context.Context, in *startImportIn) (*startImportOut, error) {
	who := caller(ctx)
	if scope := importScopes[in.Kind]; !who.Has(scope) {
		return nil, errScopeMissing.With("scope", scope)
	}
	to, ok := r.importers[in.Kind]
	if !ok {
		return nil, errKind
	}
	currency := strings.ToUpper(in.Currency)
	if currency == "" {
		var err error
		if currency, err = r.shops.currency(ctx, who.Merchant, "", requestIn(ctx).now); err != nil {
			return nil, err
		}
	}
	if !money.Known(currency) {
		return nil, money.ErrCurrency.At("query.currency", "expected an ISO 4217 code")
	}
	request := requestIn(ctx)
	info, err := request.file.Stat()
	if err != nil {
		return nil, errFullDisk.Because(err)
	}
	if info.Size() == 0 {
		return nil, errMalformed.Saying("This call needs a body.")
	}
	path, err := r.server.keepUpload(request.file)
	if err != nil {
		return nil, err
	}
	i, err := to.start(ctx, who.Merchant, catalog.ImportFile{Name: in.Name, Path: path, SHA256: request.digest, Size: info.Size()},
		catalog.ImportOptions{Currency: currency, KeepStock: in.KeepStock})
	if err != nil {
		// Whether it was noted is unknown when the database is, so the sweeper
		// removes the file.
		return nil, inBody(err, "query")
	}
	return &startImportOut{Location: "/v1/imports/" + i.ID.String(), Body: i}, nil
}

// find is the import, whichever kind it is of.
func (r *importRoom) find(ctx context.Context, importID uuid.UUID) (importer, Import, error) {
	for _, of := range r.importers {
		i, err := of.one(ctx, caller(ctx).Merchant, importID)
		if err == nil || !errors.Is(err, catalog.ErrImportNotFound) {
			return of, i, err
		}
	}
	return nil, Import{}, catalog.ErrImportNotFound
}

// The names of the files of imports.
const uploadPrefix, uploadSuffix = "import-", ".csv"

// keepUpload gives an upload a place where it outlives its request.
func (s *Server) keepUpload(file *os.File) (string, error) {
	dir, err := filepath.Abs(s.uploadDir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", errFullDisk.Because(err)
	}
	path := filepath.Join(dir, uploadPrefix+id.New().String()+uploadSuffix)
	if err := os.Rename(file.Name(), path); err == nil {
		return path, nil
	}
	if err := copyUpload(path, file); err != nil { // on another disk
		_ = os.Remove(path)
		return "", errFullDisk.Because(err)
	}
	return path, nil
}

func copyUpload(path string, from *os.File) error {
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = to.ReadFrom(from)
	return errors.Join(err, to.Close())
}

// uploadGrace is how long a file may wait to be named by an import.
const uploadGrace = 10 * time.Minute

// SweepUploads removes the files in dir that no import needs any more. needed
// lists those that imports still read, with their whole paths.
func SweepUploads(ctx context.Context, dir string, needed func(context.Context) ([]string, error)) error {
	files, err := filepath.Glob(filepath.Join(dir, uploadPrefix+"*"+uploadSuffix))
	if err != nil || len(files) == 0 {
		return err
	}
	keep, err := needed(ctx)
	if err != nil {
		return err
	}
	var machine clock.System // the clock of the files
	var errs []error
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil || slices.Contains(keep, path) || machine.Now().Sub(info.ModTime()) < uploadGrace {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
