-- What a merchant says about recommendations, how each surface ranks, and which
-- lists were shown to whom, so that they can be compared.
-- +goose Up

-- The rules of a shop. A version holds all of them and is never changed: the
-- newest one counts, the others say what held before, and by whom.
create table rec_rules (
  merchant_id uuid not null references merchants (id),
  version     int not null check (version > 0),
  document    jsonb not null, -- a list of rules, in their order
  note        text not null default '' check (length(note) <= 500),
  created_by  text not null,
  created_at  timestamptz not null,
  primary key (merchant_id, version)
);

-- How a surface ranks. None is ever changed but for its status: at most one of a
-- surface is live, and without one the program's own settings count. report is
-- what the trial said that decided about it.
create table rec_versions (
  merchant_id uuid not null references merchants (id),
  surface     text not null check (surface in ('product', 'cart', 'home')),
  version     int not null check (version > 0),
  settings    jsonb not null,
  status      text not null check (status in ('live', 'retired', 'refused')),
  report      jsonb not null,
  created_by  text not null,
  created_at  timestamptz not null,
  primary key (merchant_id, surface, version)
);
create unique index rec_versions_live on rec_versions (merchant_id, surface) where status = 'live';

-- The lists that visitors were given. arm is whose list it was, by the bucket of
-- the visitor; explored is what stood in it by chance, at which place and with
-- which chance. Events name the list by its id.
create table rec_answers (
  merchant_id uuid not null,
  id          uuid not null,
  at          timestamptz not null,
  visitor     text not null check (visitor <> ''),
  bucket      int not null check (bucket between 0 and 999),
  arm         text not null check (arm in ('learned', 'popularity')),
  surface     text not null,
  version     int not null, -- of the surface's settings; 0: the program's own
  rules       int not null, -- the version of the rules; 0: none
  explored    uuid,
  place       int check (place >= 1),
  chance      double precision check (chance > 0 and chance <= 1),
  primary key (merchant_id, id),
  check ((explored is null) = (place is null) and (explored is null) = (chance is null))
);
create index rec_answers_at on rec_answers (merchant_id, at);
create index rec_answers_visitor on rec_answers (merchant_id, visitor, at);
