-- What shows that a parcel was handed over: who took it, as initials only, for a
-- name belongs to contacts alone; and a picture that the shop's own courier took.
-- +goose Up

alter table shipments
  add column signed_by text not null default '' check (length(signed_by) <= 20),
  add column photo_url text not null default '' check (length(photo_url) <= 2048 and (photo_url = '' or photo_url like 'https://%'));
