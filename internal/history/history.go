// Package history remembers what checks of credentials found out: each run,
// each result, and how each credential stands. It is one SQLite file, written
// by one process at a time and read by any.
//
// A result is committed as it comes: what has finished outlives whatever ends
// the process. Everything in the file has passed the redactor.
package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
)

// DefaultRetention is how long results are kept.
const DefaultRetention = 400 * 24 * time.Hour

// A Store is an open history.
type Store struct {
	path  string
	db    *sql.DB
	lock  *lock // nil: for reading
	erase *redact.Redactor
}

// ErrNone is returned by Read for a file that is not there.
var ErrNone = errors.New("there is no history yet")

// Open opens the history in a file for writing, and makes it if it is not
// there. Only one process may: to another it says who has it. Results are
// redacted once more by erase.
func Open(path string, erase *redact.Redactor) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	l, err := acquire(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	// The file is for its owner: it names accounts and what ails them.
	if f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		l.release()
		return nil, fmt.Errorf("history: %w", err)
	} else if err := f.Close(); err != nil {
		l.release()
		return nil, fmt.Errorf("history: %w", err)
	}
	s, err := open(path, "rwc")
	if err != nil {
		l.release()
		return nil, err
	}
	s.lock, s.erase = l, erase
	if err := s.migrate(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Read opens the history in a file for reading, also while another process
// writes it.
func Read(path string) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("history %s: %w", path, ErrNone)
	}
	s, err := open(path, "ro")
	var cause *sqlite.Error
	if errors.As(err, &cause) && cause.Code()&0xff == sqlite3.SQLITE_READONLY {
		// Readers of a WAL write beside it. Where this one may not, nobody
		// else does, or its file would be there.
		s, err = open(path, "immutable")
	}
	if err != nil {
		return nil, err
	}
	version, err := s.version()
	if err == nil && version > len(migrations) {
		err = tooNew(path, version)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func open(path, mode string) (*Store, error) {
	q := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(10000)", "foreign_keys(1)"}, "_time_format": {"sqlite"}}
	switch mode {
	case "ro":
	case "immutable":
		q.Set("mode", "ro")
		q.Set("immutable", "1")
	default:
		// In WAL mode, NORMAL loses nothing when a process is killed, and
		// never breaks the file; FULL would wait for the disk at each result.
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "synchronous(NORMAL)")
		q.Set("_txlock", "immediate")
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{path: path, db: db}
	if err := db.Ping(); err != nil {
		_ = db.Close()
		return nil, s.fail(err)
	}
	return s, nil
}

func (s *Store) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("history %s: %w", s.path, err)
}

// Close closes the history, and lets others write it.
func (s *Store) Close() error {
	err := s.db.Close()
	if s.lock != nil {
		s.lock.release()
	}
	return s.fail(err)
}

// migrations make the tables, each step once. What was released is never
// changed: another step is added.
var migrations = []string{`
CREATE TABLE runs (
	id          INTEGER PRIMARY KEY,
	started     TEXT NOT NULL,              -- UTC, RFC 3339
	finished    TEXT,                       -- NULL: it never was
	state       TEXT NOT NULL,              -- running, finished, interrupted, killed
	version     TEXT NOT NULL,
	seed        TEXT NOT NULL,
	selected    INTEGER NOT NULL,
	exit_code   INTEGER
);
CREATE TABLE results (
	run         INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	credential  TEXT NOT NULL,
	provider    TEXT NOT NULL,
	at          TEXT NOT NULL,
	verdict     TEXT NOT NULL,
	cause       TEXT NOT NULL,
	confirmed   INTEGER NOT NULL,
	record      TEXT NOT NULL,              -- JSON: health.Record
	PRIMARY KEY (run, credential)
) WITHOUT ROWID;
CREATE INDEX results_by_credential ON results (credential, run);
CREATE TABLE states (
	credential  TEXT PRIMARY KEY,
	run         INTEGER NOT NULL,           -- the last it was part of
	state       TEXT NOT NULL               -- JSON: health.State
) WITHOUT ROWID;
CREATE TABLE requests (
	place       TEXT NOT NULL,
	call        TEXT NOT NULL,
	at          TEXT NOT NULL
);
CREATE INDEX requests_by_place ON requests (place, call, at);
`, `
CREATE TABLE told (                        -- what channels know; what is fine is not in it
	channel     TEXT NOT NULL,
	subject     TEXT NOT NULL,
	state       TEXT NOT NULL,
	at          TEXT NOT NULL,
	PRIMARY KEY (channel, subject)
) WITHOUT ROWID;
`}

func (s *Store) version() (int, error) {
	var version int
	err := s.db.QueryRow("PRAGMA user_version").Scan(&version)
	return version, s.fail(err)
}

func tooNew(path string, version int) error {
	return fmt.Errorf("history %s was written by a newer authspec (version %d, this one knows %d): update authspec, or name another file", path, version, len(migrations))
}

func (s *Store) migrate() error {
	version, err := s.version()
	if err != nil {
		return err
	}
	if version > len(migrations) {
		return tooNew(s.path, version)
	}
	for ; version < len(migrations); version++ {
		tx, err := s.db.Begin()
		if err != nil {
			return s.fail(err)
		}
		if _, err = tx.Exec(migrations[version]); err == nil {
			_, err = tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version+1))
		}
		if err != nil {
			return s.fail(errors.Join(err, tx.Rollback()))
		}
		if err := tx.Commit(); err != nil {
			return s.fail(err)
		}
	}
	return nil
}

// clock writes a time so that text sorts as time does.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func parseClock(s string) time.Time {
	t, _ := time.Parse("2006-01-02T15:04:05.000Z", s) // written by clock
	return t
}

// States returns how every credential stands, by name.
func (s *Store) States() (map[string]health.State, error) {
	rows, err := s.db.Query("SELECT credential, state FROM states")
	if err != nil {
		return nil, s.fail(err)
	}
	defer rows.Close()
	states := map[string]health.State{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, s.fail(err)
		}
		var state health.State
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			return nil, s.fail(fmt.Errorf("the state of %s: %w", name, err))
		}
		states[name] = state
	}
	return states, s.fail(rows.Err())
}

// Sent returns when requests were sent to a place.
func (s *Store) Sent(place, call string) ([]time.Time, error) {
	rows, err := s.db.Query("SELECT at FROM requests WHERE place = ? AND call = ? ORDER BY at", place, call)
	if err != nil {
		return nil, s.fail(err)
	}
	defer rows.Close()
	var times []time.Time
	for rows.Next() {
		var at string
		if err := rows.Scan(&at); err != nil {
			return nil, s.fail(err)
		}
		times = append(times, parseClock(at))
	}
	return times, s.fail(rows.Err())
}

// Spent notes a request that counts against a limit.
func (s *Store) Spent(place, call string, at time.Time) error {
	_, err := s.db.Exec("INSERT INTO requests (place, call, at) VALUES (?, ?, ?)", place, call, clock(at))
	return s.fail(err)
}

// Forget drops runs that ended before a time, with their results, and requests
// before another. How credentials stand is kept.
func (s *Store) Forget(runsBefore, requestsBefore time.Time) error {
	_, err := s.db.Exec("DELETE FROM runs WHERE started < ?", clock(runsBefore))
	if err == nil {
		_, err = s.db.Exec("DELETE FROM requests WHERE at < ?", clock(requestsBefore))
	}
	return s.fail(err)
}

// Begin notes that a run begins. A run that never ended was killed: nobody
// else writes.
func (s *Store) Begin(version string, seed uint64, selected int, started time.Time) (*Recording, error) {
	if _, err := s.db.Exec("UPDATE runs SET state = 'killed' WHERE state = 'running'"); err != nil {
		return nil, s.fail(err)
	}
	done, err := s.db.Exec("INSERT INTO runs (started, state, version, seed, selected) VALUES (?, 'running', ?, ?, ?)",
		clock(started), version, fmt.Sprint(seed), selected)
	if err != nil {
		return nil, s.fail(err)
	}
	id, err := done.LastInsertId()
	return &Recording{store: s, id: id}, s.fail(err)
}

// A Recording is a run that is being written down.
type Recording struct {
	store *Store
	id    int64
}

// ErrLeak says that a secret was found in what was about to be written.
var ErrLeak = errors.New("a secret would have been written")

// Keep commits what became of a credential: it is not lost any more. A result
// that is kept again replaces the first.
func (r *Recording) Keep(c *health.Credential, at time.Time) error {
	s := r.store
	clean := c.Redacted(s.erase.String)
	record, err := json.Marshal(clean.Record(at))
	if err != nil {
		return s.fail(err)
	}
	state, err := json.Marshal(c.State)
	if err != nil {
		return s.fail(err)
	}
	for _, b := range [][]byte{record, state, []byte(clean.Name)} {
		if name, found := s.erase.Leak(b); found {
			return s.fail(fmt.Errorf("%w (%s): the result is left out; this is a defect of authspec, please report it", ErrLeak, name))
		}
	}
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return s.fail(err)
	}
	_, err = tx.Exec("INSERT OR REPLACE INTO results (run, credential, provider, at, verdict, cause, confirmed, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		r.id, clean.Name, clean.Provider, clock(at), string(c.Verdict), string(c.Cause), c.Confirmed, string(record))
	if err == nil {
		_, err = tx.Exec("INSERT OR REPLACE INTO states (credential, run, state) VALUES (?, ?, ?)", clean.Name, r.id, string(state))
	}
	if err != nil {
		return s.fail(errors.Join(err, tx.Rollback()))
	}
	return s.fail(tx.Commit())
}

// End notes that the run has ended, and brings the file in order.
func (r *Recording) End(run *health.Run) error {
	state := "finished"
	if run.Interrupted {
		state = "interrupted"
	}
	_, err := r.store.db.Exec("UPDATE runs SET finished = ?, state = ?, exit_code = ? WHERE id = ?", clock(run.Started.Add(run.Duration)), state, run.ExitCode(), r.id)
	if err == nil {
		_, err = r.store.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return r.store.fail(err)
}
