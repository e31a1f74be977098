package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// configFile is mongod's layout, as far as Pando has the setting. Any other key
// is an error that names it.
type configFile struct {
	Net struct {
		Port   *int   `yaml:"port"`
		BindIP string `yaml:"bindIp"`
	} `yaml:"net"`
	Storage struct {
		DBPath string `yaml:"dbPath"`
	} `yaml:"storage"`
	SystemLog struct {
		Destination string `yaml:"destination"`
		Path        string `yaml:"path"`
		Quiet       bool   `yaml:"quiet"`
		Verbosity   int    `yaml:"verbosity"`
	} `yaml:"systemLog"`
	Replication struct {
		ReplSetName string `yaml:"replSetName"`
	} `yaml:"replication"`
	OperationProfiling struct {
		SlowOpThresholdMs *int     `yaml:"slowOpThresholdMs"`
		SlowOpSampleRate  *float64 `yaml:"slowOpSampleRate"`
	} `yaml:"operationProfiling"`
	SetParameter map[string]any `yaml:"setParameter"`
}

// readConfig fills what the command line left open.
func (s *serveCommand) readConfig() error {
	if s.Config == "" {
		return nil
	}
	text, err := os.ReadFile(s.Config)
	if err != nil {
		return err
	}
	var c configFile
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s: %w", errUsage, s.Config, err)
	}
	switch c.SystemLog.Destination {
	case "", "file":
	default:
		return fmt.Errorf("%w: %s: systemLog.destination %q is not supported, only file", errUsage, s.Config, c.SystemLog.Destination)
	}
	if s.Port == nil {
		s.Port = c.Net.Port
	}
	s.BindIP = orDefault(s.BindIP, c.Net.BindIP)
	s.DBPath = orDefault(s.DBPath, c.Storage.DBPath)
	s.LogPath = orDefault(s.LogPath, c.SystemLog.Path)
	s.ReplSet = orDefault(s.ReplSet, c.Replication.ReplSetName)
	if s.SlowMS == nil {
		s.SlowMS = c.OperationProfiling.SlowOpThresholdMs
	}
	if s.SlowRate == nil {
		s.SlowRate = c.OperationProfiling.SlowOpSampleRate
	}
	s.Quiet = s.Quiet || c.SystemLog.Quiet
	s.Verbose = max(s.Verbose, c.SystemLog.Verbosity)
	var fromFile []string
	for name, value := range c.SetParameter {
		fromFile = append(fromFile, fmt.Sprintf("%s=%v", name, value))
	}
	slices.Sort(fromFile)
	s.SetParameter = append(fromFile, s.SetParameter...) // the command line comes last, and wins.
	return nil
}
