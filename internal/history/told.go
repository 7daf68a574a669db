package history

import (
	"time"

	"github.com/authspec/authspec/internal/alert"
)

// Told returns what each channel of alerts was told last.
func (s *Store) Told() (alert.Told, error) {
	rows, err := s.db.Query("SELECT channel, subject, state FROM told")
	if err != nil {
		return nil, s.fail(err)
	}
	defer rows.Close()
	told := alert.Told{}
	for rows.Next() {
		var key alert.Key
		var state string
		if err := rows.Scan(&key.Channel, &key.Subject, &state); err != nil {
			return nil, s.fail(err)
		}
		told[key] = state
	}
	return told, s.fail(rows.Err())
}

// Tell notes that a channel was told of a state; an empty one is fine.
func (s *Store) Tell(key alert.Key, state string, at time.Time) error {
	if state == "" {
		_, err := s.db.Exec("DELETE FROM told WHERE channel = ? AND subject = ?", key.Channel, key.Subject)
		return s.fail(err)
	}
	_, err := s.db.Exec("INSERT OR REPLACE INTO told (channel, subject, state, at) VALUES (?, ?, ?, ?)", key.Channel, key.Subject, state, clock(at))
	return s.fail(err)
}
