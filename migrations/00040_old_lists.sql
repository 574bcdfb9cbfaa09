-- Old lists go over all shops at once, by their time alone.
-- +goose Up

create index rec_answers_old on rec_answers (at);
