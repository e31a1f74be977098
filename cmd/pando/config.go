package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pandodb/pando/internal/param"
)

// configKeys are the settings that a configuration file may have, in mongod's
// layout, and what each does with its value. The command line wins: a setting that
// it gave stays.
var configKeys = map[string]func(*serveCommand, configValue) error{
	"net.bindIp":                 func(s *serveCommand, v configValue) error { return v.text(&s.BindIP) },
	"net.port":                   func(s *serveCommand, v configValue) error { return v.number(&s.Port) },
	"net.maxIncomingConnections": func(s *serveCommand, v configValue) error { return v.number(&s.MaxConns) },
	"storage.dbPath":             func(s *serveCommand, v configValue) error { return v.text(&s.DBPath) },
	"systemLog.path":             func(s *serveCommand, v configValue) error { return v.text(&s.LogPath) },
	"systemLog.destination": func(_ *serveCommand, v configValue) error {
		return v.only("file", "the log goes to a file or, without systemLog.path, to standard error")
	},
	"systemLog.logAppend": func(_ *serveCommand, v configValue) error {
		return v.only("true", "the log is always appended to")
	},
	"systemLog.quiet": func(s *serveCommand, v configValue) error {
		quiet, err := v.bool()
		s.Quiet = s.Quiet || quiet
		return err
	},
	"systemLog.verbosity": func(s *serveCommand, v configValue) error {
		var verbosity *int
		err := v.number(&verbosity)
		if err == nil {
			s.Verbose = max(s.Verbose, *verbosity)
		}
		return err
	},
	"replication.replSetName": func(s *serveCommand, v configValue) error { return v.text(&s.ReplSet) },
	"operationProfiling.slowOpThresholdMs": func(s *serveCommand, v configValue) error {
		return v.number(&s.SlowMS)
	},
	"operationProfiling.slowOpSampleRate": func(s *serveCommand, v configValue) error {
		rate, err := strconv.ParseFloat(v.node.Value, 64)
		if err != nil {
			return v.takes("a number")
		}
		if s.SlowRate == nil {
			s.SlowRate = &rate
		}
		return nil
	},
}

// parameters is the one setting whose keys are not ours to list.
const parameters = "setParameter"

// readConfig fills what the command line left open.
func (s *serveCommand) readConfig() error {
	if s.Config == "" {
		return nil
	}
	text, err := os.ReadFile(s.Config)
	if err != nil {
		return usagef("the configuration cannot be read: %v", err)
	}
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return usagef("%s: %v", s.Config, err)
	}
	var fromFile []string
	seen := map[string]bool{}
	err = s.walkConfig("", doc.Content[0], func(v configValue) error {
		if seen[v.key] {
			return v.errorf("%s is set twice", v.key)
		}
		seen[v.key] = true
		if name, ok := strings.CutPrefix(v.key, parameters+"."); ok {
			fromFile = append(fromFile, name+"="+v.node.Value)
			return nil
		}
		set, ok := configKeys[v.key]
		if !ok {
			return v.unknown()
		}
		return set(s, v)
	})
	slices.Sort(fromFile)
	s.SetParameter = append(fromFile, s.SetParameter...) // the command line comes last, and wins.
	return err
}

// walkConfig visits every value below a node. A key may be written with its sections
// before it (net.port: 27018), as mongod allows.
func (s *serveCommand) walkConfig(section string, n *yaml.Node, visit func(configValue) error) error {
	v := configValue{file: s.Config, key: section, node: n}
	switch {
	case n.Kind == yaml.ScalarNode && section != "":
		if n.Tag == "!!null" && isSection(section) {
			return nil // a section whose settings are all commented out.
		}
		return visit(v)
	case n.Kind != yaml.MappingNode && section == "":
		return v.errorf("this is not a list of settings")
	case n.Kind != yaml.MappingNode:
		return v.errorf("%s takes one value", section)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if section != "" {
			key = section + "." + key
		}
		if err := s.walkConfig(key, n.Content[i+1], visit); err != nil {
			return err
		}
	}
	return nil
}

func isSection(key string) bool {
	for k := range configKeys {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return key == parameters
}

// configValue is a value of the configuration file, and where it stands.
type configValue struct {
	file string
	key  string // with its sections: net.port.
	node *yaml.Node
}

func (v configValue) errorf(format string, args ...any) error {
	return usagef("%s, line %d: "+format, append([]any{v.file, v.node.Line}, args...)...)
}

func (v configValue) takes(what string) error {
	return v.errorf("%s takes %s, not %q", v.key, what, v.node.Value)
}

func (v configValue) unknown() error {
	if nearest := param.Nearest(v.key, slices.Sorted(maps.Keys(configKeys))); nearest != "" {
		return v.errorf("unknown setting %s, did you mean %s?", v.key, nearest)
	}
	return v.errorf("unknown setting %s", v.key)
}

// text sets what the command line has left empty.
func (v configValue) text(to *string) error {
	*to = orDefault(*to, v.node.Value)
	return nil
}

func (v configValue) number(to **int) error {
	n, err := strconv.Atoi(v.node.Value)
	if err != nil {
		return v.takes("a whole number")
	}
	if *to == nil {
		*to = &n
	}
	return nil
}

func (v configValue) bool() (bool, error) {
	var b bool
	if err := v.node.Decode(&b); err != nil {
		return false, v.takes("true or false")
	}
	return b, nil
}

// only refuses each value but one, and says why that is.
func (v configValue) only(value, why string) error {
	if v.node.Value != value {
		return v.errorf("%s: only %s is supported, not %q: %s", v.key, value, v.node.Value, why)
	}
	return nil
}
