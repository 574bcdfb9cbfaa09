-- Old lists go over all shops at once, by their time alone.
-- +goose Up

create index rec_answers_old on rec_answers (at);

-- What one visitor did, for whoever has to be forgotten.
create index rec_events_visitor on rec_events (merchant_id, visitor);
