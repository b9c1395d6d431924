package webhook

// saidReaders are the fields of a commit status, and what makes something of them.
func saidReaders(p *payload) ([]field, func(*payload, *Event) error) {
	return []field{{"sha", &p.After}, {"state", &p.State}, {"repository", p.Repository.fields()}}, readStatus
}

// readStatus takes a status that is somebody's last word for a hint on what its commit waits for.
func readStatus(p *payload, e *Event) error {
	if p.State == "pending" {
		return nil
	}
	return p.said(e, p.After)
}

// said has the event tell that a commit has a new status, or a check run that has ended.
func (p *payload) said(e *Event, sha string) error {
	n, err := p.Repository.nudge("", sha)
	if err == nil {
		e.Said = &n
	}
	return err
}
