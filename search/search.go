// Package search finds products. It declares what an engine must do, reads what
// shoppers type (text.go), and keeps the engine's index level with the catalogue
// (follow.go). The embedded engine lives in search/bleveengine; every engine
// passes the suite in search/enginetest.
package search

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// StatusActive is the only status that shoppers see; a document without a
// status counts as active. Other statuses are found by a status filter only.
const StatusActive = "active"

// Limits on what one query may ask. Larger values are cut down, not refused.
const (
	MaxText   = 256  // runes of query text that are read
	MaxWords  = 16   // words of query text that are read
	MaxLimit  = 100  // hits in one page
	MaxOffset = 1000 // how deep paging goes; deeper pages are empty
	PageLimit = 20   // hits in one page when the query does not say
)

// Doc is one product as the index knows it. The index is a cache: nothing in it
// decides about price or stock when an order is placed.
type Doc struct {
	Merchant    uuid.UUID
	ProductID   uuid.UUID
	Slug        string
	Title       map[string]string // by language: en, hy, km or any other
	Description map[string]string
	Brand       string
	Category    []string // path, broadest first
	Tags        []string
	Attrs       map[string]string
	SKUs        []string // of the product and of all its variants
	Barcodes    []string
	Prices      map[string]int64 // by currency: the lowest active price in minor units
	InStock     bool
	Status      string // empty means StatusActive
	Image       string
	Popularity  float64 // any scale from 0 up; it orders, but never beats the text
	CreatedAt   time.Time
	Version     int64 // an older version never replaces a newer one; 0 always replaces
}

// Sort says in what order hits come; every order is broken by product id.
type Sort string

// The orders.
const (
	SortRelevance Sort = "relevance" // the default; without text: the popular first
	SortPriceAsc  Sort = "price_asc" // in the query's currency; unpriced products last
	SortPriceDesc Sort = "price_desc"
	SortNewest    Sort = "newest"
	SortTitle     Sort = "title" // in the query's language
)

// Query is one question of one shopper to one merchant's products.
type Query struct {
	Merchant uuid.UUID
	Text     string // empty browses everything
	Filters  []Filter
	Facets   []FacetRequest
	Sort     Sort
	Offset   int // see Cursor and Offset for the opaque form
	Limit    int // 0 means PageLimit
	Currency string
	// Language puts titles in that language first and picks the titles shown;
	// texts in every language are searched whatever it says.
	Language string
	// Synonyms widen the words; nil means Everyday().
	Synonyms *Synonyms
}

// Step names the part of the ladder that answered.
type Step string

// The steps, in the order in which they are tried.
const (
	StepExact     Step = "exact"     // all words as typed, as a beginning, inflected or by synonym; or a code; or no text
	StepCorrected Step = "corrected" // all words, some of them read as another spelling
	StepRelaxed   Step = "relaxed"   // at least half of the words
	StepFallback  Step = "fallback"  // nothing matches: popular products instead
)

// Tier says how well one hit matches; a lower tier always comes first.
type Tier int

// The tiers.
const (
	TierCode   Tier = 1 // the text is a SKU or barcode of the product
	TierWords  Tier = 2 // every word is there
	TierLoose  Tier = 3 // every word is there by typo, prefix or synonym
	TierHalf   Tier = 4 // half of the words are there
	TierFiller Tier = 5 // no match: shown because it is popular
)

// Page is the answer to a Query.
type Page struct {
	// Hits may go on after the Total-th, when few products match all words in
	// order of relevance: those are half matches (TierHalf) worth a look.
	Hits []Hit
	// Total is how many products match, before paging.
	Total int
	// TotalExact is false when Total is an estimate or a lower bound.
	TotalExact bool
	Facets     []Facet // of the matches
	Step       Step
	// Corrected is the text that was searched instead, when it differs in
	// spelling; empty otherwise.
	Corrected string
	// DidYouMean is a better-known spelling to offer beside the hits.
	DidYouMean string
	// Next is the cursor of the next page, empty on the last.
	Next string
	Took time.Duration
}

// Hit is one product found, with what a result list shows.
type Hit struct {
	ProductID uuid.UUID
	Slug      string
	Title     string // in the query's language, or the nearest there is
	Brand     string
	Image     string
	Price     int64  // minor units; meaningless unless Currency is set
	Currency  string // empty when there is no price in the query's currency
	InStock   bool
	Tier      Tier
	Score     float64 // comparable within one page only
	Parts     Parts
}

// Parts are the ingredients of a score, for people who ask why.
type Parts struct {
	Text       float64 // how well the words match
	Popularity float64 // the bounded bonus for being liked
	Words      int     // query words matched
	Of         int     // query words asked
}

// SuggestQuery asks for help while someone is typing.
type SuggestQuery struct {
	Merchant uuid.UUID
	Text     string
	Limit    int // products and completions each; 0 means 6
	Currency string
	Language string
	Synonyms *Synonyms
}

// Suggestions help someone who is typing.
type Suggestions struct {
	Completions []Completion
	Products    []Hit
	// DidYouMean is a better-known spelling of the whole text, if any.
	DidYouMean string
}

// Completion is one way to finish what was typed.
type Completion struct {
	Text string
	Kind CompletionKind
	// Value is the filter value of a brand or category completion.
	Value string
	// Count is how many products have the completing word, brand or category.
	Count int
}

// CompletionKind says what a completion leads to.
type CompletionKind string

// The kinds of completion.
const (
	CompleteQuery    CompletionKind = "query"
	CompleteBrand    CompletionKind = "brand"
	CompleteCategory CompletionKind = "category"
)

// Source lists every document of a merchant for a rebuild, in any order. It
// stops at the first error of yield and returns it.
type Source func(ctx context.Context, yield func(Doc) error) error

// Checkpoint says how far the index has followed the catalogue. It is kept with
// the index, so that an index which is lost or copied loses or keeps it too.
type Checkpoint struct {
	// Database names the database incarnation the cursor belongs to.
	Database string `json:"database"`
	// Cursor is the oldest transaction that may still be missing.
	Cursor uint64 `json:"cursor"`
	// At is the database's time at which the cursor was read.
	At time.Time `json:"at"`
}

// Health says what an engine holds and whether it can answer.
type Health struct {
	// Err is why the engine as a whole cannot answer; nil when it can.
	Err error
	// Held are the merchants that have an index, empty indexes included.
	Held []uuid.UUID
	// Broken are the merchants whose index cannot be read and must be rebuilt.
	Broken []uuid.UUID
}

// Engine answers product queries. Each query and each write belongs to one
// merchant, and no merchant can ever see another's products. All methods may be
// called at the same time from many goroutines. When Index, Delete, Rebuild or
// SetCheckpoint returns nil the work is durable and visible to the next query.
type Engine interface {
	// Index adds or replaces documents; doing so twice is harmless.
	Index(ctx context.Context, docs []Doc) error
	// Delete removes products; removing an unknown one is harmless.
	Delete(ctx context.Context, merchant uuid.UUID, products []uuid.UUID) error
	// Search answers one query. A merchant without an index has no products.
	Search(ctx context.Context, q Query) (Page, error)
	// Suggest completes what is being typed.
	Suggest(ctx context.Context, q SuggestQuery) (Suggestions, error)
	// Rebuild replaces a merchant's whole index by what source lists. Queries are
	// answered from the old index until the new one is complete; writes made
	// meanwhile survive. When it fails the old index stays.
	Rebuild(ctx context.Context, merchant uuid.UUID, source Source) error
	// Checkpoint is the last one set, or the zero value for an index without one.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// SetCheckpoint records how far the index has followed the catalogue.
	SetCheckpoint(ctx context.Context, c Checkpoint) error
	// Health says what the engine holds.
	Health(ctx context.Context) Health
	// Close ends the engine; later calls return ErrClosed.
	Close() error
}
