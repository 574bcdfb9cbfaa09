-- What shoppers search for, day by day, and how often nothing was found: what a
-- shop lacks, or calls by another name.
-- +goose Up
create table search_terms (
  merchant_id uuid not null,
  day         date not null, -- UTC
  term        text not null check (term <> ''),
  language    text not null,
  searches    bigint not null check (searches > 0),
  misses      bigint not null check (misses between 0 and searches),
  primary key (merchant_id, day, term, language)
);
