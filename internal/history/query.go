package history

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/authspec/authspec/internal/health"
)

// An Entry is one result of a run.
type Entry struct {
	Run     int64     `json:"run"`
	Started time.Time `json:"run_started"`
	At      time.Time `json:"at"`
	health.Record
}

// A Standing is how a credential stands, with its last result.
type Standing struct {
	Entry
	State health.State `json:"state"`
}

// A RunInfo is one run.
type RunInfo struct {
	ID       int64
	Started  time.Time
	Finished time.Time // zero: it never was
	State    string    // running, finished, interrupted, killed
	Version  string
	Selected int
	Results  int
	ExitCode int
}

// Standings returns how every credential stands, sorted by name.
func (s *Store) Standings() ([]Standing, error) {
	rows, err := s.db.Query(`SELECT r.run, coalesce(u.started, ''), r.at, r.record, s.state
		FROM states s JOIN results r ON r.run = s.run AND r.credential = s.credential LEFT JOIN runs u ON u.id = r.run ORDER BY s.credential`)
	if err != nil {
		return nil, s.fail(err)
	}
	defer rows.Close()
	var list []Standing
	for rows.Next() {
		var st Standing
		var started, at, record, state string
		if err := rows.Scan(&st.Run, &started, &at, &record, &state); err != nil {
			return nil, s.fail(err)
		}
		st.Started, st.At = parseClock(started), parseClock(at)
		if err := json.Unmarshal([]byte(record), &st.Record); err != nil {
			return nil, s.fail(err)
		}
		if err := json.Unmarshal([]byte(state), &st.State); err != nil {
			return nil, s.fail(err)
		}
		list = append(list, st)
	}
	return list, s.fail(rows.Err())
}

// Entries calls each for every result since a time, the oldest first; of one
// credential, or of all when its name is empty.
func (s *Store) Entries(credential string, since time.Time, each func(*Entry) error) error {
	rows, err := s.db.Query(`SELECT r.run, u.started, r.at, r.record FROM results r JOIN runs u ON u.id = r.run
		WHERE (? = '' OR r.credential = ?) AND r.at >= ? ORDER BY r.run, r.at, r.credential`, credential, credential, clock(since))
	if err != nil {
		return s.fail(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var started, at, record string
		if err := rows.Scan(&e.Run, &started, &at, &record); err != nil {
			return s.fail(err)
		}
		e.Started, e.At = parseClock(started), parseClock(at)
		if err := json.Unmarshal([]byte(record), &e.Record); err != nil {
			return s.fail(fmt.Errorf("run %d: %w", e.Run, err))
		}
		if err := each(&e); err != nil {
			return err
		}
	}
	return s.fail(rows.Err())
}

// Runs returns the last runs, the latest first.
func (s *Store) Runs(most int) ([]RunInfo, error) {
	rows, err := s.db.Query(`SELECT id, started, coalesce(finished, ''), state, version, selected, coalesce(exit_code, -1),
		(SELECT count(*) FROM results WHERE run = id) FROM runs ORDER BY id DESC LIMIT ?`, most)
	if err != nil {
		return nil, s.fail(err)
	}
	defer rows.Close()
	var list []RunInfo
	for rows.Next() {
		var r RunInfo
		var started, finished string
		if err := rows.Scan(&r.ID, &started, &finished, &r.State, &r.Version, &r.Selected, &r.ExitCode, &r.Results); err != nil {
			return nil, s.fail(err)
		}
		r.Started, r.Finished = parseClock(started), parseClock(finished)
		// A run that was killed cannot say so itself.
		if r.State == "running" && s.lock == nil && !held(s.path+".lock") {
			r.State = "killed"
		}
		list = append(list, r)
	}
	return list, s.fail(rows.Err())
}
