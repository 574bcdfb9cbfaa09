package pgserver

import "doorstep/internal/fault"

// What can go wrong with the PostgreSQL of our own. Every error of this package
// is one of these, with a sentence made for the case and the cause inside.
var (
	ErrNoBinaries = fault.New(fault.Unavailable, "postgres_not_installed",
		"PostgreSQL is not installed here: run `sudo apt install postgresql` (Debian, Ubuntu), "+
			"`sudo dnf install postgresql-server` (Fedora) or `brew install postgresql@17` (macOS), "+
			"or set DATABASE_URL to a server that you already have.")
	ErrTooOld = fault.New(fault.Unavailable, "postgres_too_old",
		"The PostgreSQL installed here is too old.")
	ErrNoTool = fault.New(fault.Unavailable, "postgres_tool_missing",
		"A PostgreSQL program is missing: install the PostgreSQL client programs (`sudo apt install postgresql-client`).")
	ErrNotRunnable = fault.New(fault.Unavailable, "postgres_not_runnable",
		"The PostgreSQL programs are here but cannot be run.")
	ErrInUse = fault.New(fault.Conflict, "data_folder_in_use",
		"Another Doorstep is already using this data folder.")
	ErrFolder = fault.New(fault.Unavailable, "data_folder_unusable",
		"The data folder cannot be used.")
	ErrOtherVersion = fault.New(fault.Conflict, "postgres_version_mismatch",
		"The database in the data folder belongs to another version of PostgreSQL.")
	ErrClusterMissing = fault.New(fault.Conflict, "postgres_cluster_missing",
		"The database that belongs to this data folder is gone.")
	ErrClusterDamaged = fault.New(fault.Conflict, "postgres_cluster_damaged",
		"The database folder is incomplete.")
	ErrCreate = fault.New(fault.Unavailable, "postgres_create_failed",
		"The database could not be created.")
	ErrLeftover = fault.New(fault.Conflict, "postgres_leftover_alive",
		"A PostgreSQL left over from an earlier run does not stop.")
	ErrStart = fault.New(fault.Unavailable, "postgres_start_failed",
		"PostgreSQL does not start.")
	ErrNotReady = fault.New(fault.Unavailable, "postgres_not_ready",
		"PostgreSQL did not get ready in time.")
	ErrStop = fault.New(fault.Unavailable, "postgres_stop_failed",
		"PostgreSQL does not stop.")
)
