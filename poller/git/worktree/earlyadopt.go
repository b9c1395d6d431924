package worktree

// adopt tells the writer which files of the plan of all are there. Both plans have
// what is in one directory in the same order.
func (l *EarlyWriter) adopt(p *Plan) error {
	early, err := l.matchDirs(p)
	if err != nil {
		return err
	}
	for i, f := range p.Files {
		if early[f.Dir] < 0 {
			continue
		}
		node := &l.nodes[early[f.Dir]]
		if node.files == node.filesEnd {
			continue
		}
		at := node.files
		node.files++
		if l.known.Files[at].Name != f.Name {
			return errEarly
		}
		l.writer.Done[i].Store(l.written[at])
		if l.writer.Stats {
			l.writer.Found[i] = l.found[at]
		}
	}
	return nil
}

// matchDirs gives for each directory of the plan of all its number while the pack
// came in. Those that were not there are made, and have -1.
func (l *EarlyWriter) matchDirs(p *Plan) ([]int32, error) {
	out, err := l.writer.open()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	early := make([]int32, len(p.Dirs))
	for i, d := range p.Dirs {
		early[i] = l.nextDir(i == 0, early[d.parent])
		if early[i] < 0 {
			err = out.Mkdir(int32(i))
		} else if l.known.Dirs[early[i]].name != d.name {
			err = errEarly
		}
		if err != nil {
			return nil, err
		}
	}
	return early, nil
}

// nextDir is the next directory in one that is there, or the top; -1: none.
func (l *EarlyWriter) nextDir(top bool, parent int32) int32 {
	if top {
		return min(int32(len(l.nodes)), 1) - 1
	}
	if parent < 0 {
		return -1
	}
	node := &l.nodes[parent]
	if node.dirs == node.dirsEnd {
		return -1
	}
	node.dirs++
	return node.dirs - 1
}
