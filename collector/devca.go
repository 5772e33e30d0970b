package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gantry-dev/gantry/proto/transport/devca"
)

type devCACmd struct {
	Dir   string   `default:".gantry/tls" type:"path" help:"Folder of the root and of what comes from it; a root that is there is used again."`
	Host  []string `default:"localhost,127.0.0.1,::1" help:"Names and addresses that collectors are reached by."`
	Agent []string `default:"*" help:"Ids of agents to make certificates for; * is one for all agents."`
}

// Run makes a root where there is none, and new certificates.
func (c *devCACmd) Run(_ context.Context, _ *slog.Logger) error {
	ca, err := devca.Open(c.Dir, time.Now)
	if err != nil {
		return err
	}
	server, err := ca.Issue(devca.Who{Name: "collector", Hosts: c.Host})
	if err != nil {
		return err
	}
	fmt.Printf("collector all --tls-cert-file %s --tls-key-file %s --tls-client-ca-file %s\n", server.Cert, server.Key, server.CA)
	for _, id := range c.Agent {
		name := "agent-" + id
		if id == "*" {
			name = "agent"
		}
		files, err := ca.Issue(devca.Who{Name: name, Agent: id})
		if err != nil {
			return err
		}
		fmt.Printf("gantry-agent run --tls-ca-file %s --tls-cert-file %s --tls-key-file %s\n", files.CA, files.Cert, files.Key)
	}
	fmt.Println("For development only: the root's key lies in that folder, and nothing can be revoked.")
	return nil
}
