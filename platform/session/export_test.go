package session

// Mark returns the value by which the session's processes are found.
func (s *Session) Mark() string { return s.mark }

// Census lists the processes that carry a mark.
func Census(mark string) []int { return census(mark, nil) }
