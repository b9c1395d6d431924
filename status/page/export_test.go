package page

// Routes are all that the page answers, as METHOD PATH, but for the API.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.routes().Routes() {
		if r.Path != "/api/*" {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	return all
}

// The policy that every answer has.
const Policy = policy

// ForgetWhatIsPublic has GitHub asked anew, as if time had passed.
func (s *Server) ForgetWhatIsPublic() {
	s.asking.mu.Lock()
	defer s.asking.mu.Unlock()
	clear(s.asking.public)
}
