# What there is to run. `make help` is made from the comments that begin with ##.
#
# Settings, as make run SEED=7 or in the environment:
## SEED=1                seed of the world; kept with the state folder
## NETWORK=corridor      network to simulate: corridor, metro or a file; kept with the state folder
## SCENARIO=name|file    scenario instead of the network's own; kept with the state folder
## RECORDED=file         recording that NETWORK replays instead of a simulation; see gantry-agent world import
## HISTORY=7d            days of history before today; a later run may ask for more
## AGENTS=2              agent processes
## KAFKA=fake            broker: fake (embedded) or apache (Apache Kafka 4, needs Java and Maven)
## STATE=.gantry         folder that everything is kept in
## DBT_EVERY=3m          time between two dbt builds; 0 for none
## GRPC_PORT=50051       ports, all on the loopback interface; also HTTP_PORT=8080, ADMIN_PORT=8081,
##                       KAFKA_PORT=9092, CLICKHOUSE_PORT=9000, CLICKHOUSE_HTTP_PORT=8123

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

STATE ?= .gantry
PROGRAMS := ./gantry-agent ./collector ./deploy/local
export DO_NOT_TRACK := 1

# Tools are built once for each set of pinned versions: minutes from a cold
# cache, nothing after that.
TOOLS := bin/tools-$(shell cat deploy/tools/go.mod deploy/tools/go.sum | cksum | cut -d' ' -f1)
BUF := PATH="$(CURDIR)/$(TOOLS):$$PATH" $(TOOLS)/buf

# Packages with goroutines of their own are tested under the race detector;
# the others are pure and only get slower by it.
MODULE := github.com/gantry-dev/gantry
CONCURRENT := collector|gantry-agent/uplink|deploy/local
GO_TEST := go test -timeout 18m

.PHONY: help
help: ## list targets and settings
	@echo "Targets:"
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo "Settings, as make run SEED=7 or in the environment:"
	@sed -nE 's/^## (.*)$$/  \1/p' $(MAKEFILE_LIST)

.PHONY: run
run: programs ## start the whole stack; Ctrl-C stops it, the next run resumes
	@exec bin/local run

.PHONY: sql
sql: bin/local ## run one statement, make sql Q='select …', or a prompt without Q
	@exec bin/local sql

.PHONY: verify
verify: bin/local ## compare every reading emitted with what ClickHouse holds
	@address="$$(bin/local address clickhouse)"; recording="$$(bin/local recording)"; \
	exec go run ./deploy/verify --clickhouse-addr "$$address" $${recording:+--recorded "$$recording"} \
		--network-file '$(STATE)/network.yaml' --plate-key-file '$(STATE)/secrets/plate-key' \
		--clickhouse-password-file '$(STATE)/secrets/clickhouse-operator' $(VERIFY_FLAGS)

.PHONY: test
test: install lint generated vet test-go ## everything, against real services; installs what it needs
	@echo "make test: all passed"

.PHONY: check
check: vet lint-proto ## a fast subset of make test
	@go test -short -timeout 100s $$(go list ./... | grep -v '^$(MODULE)/deploy/e2e')

.PHONY: test-long
test-long: install ## what takes longer than make test allows: full outages, ten seeds of a year
	@GANTRY_LONG=1 $(GO_TEST) -timeout 180m -count=1 ./...

.PHONY: bench
bench: install pages ## measure rate, CPU, latency, memory and pages; OUT=file.json keeps the figures, DASHBOARD_DAYS=28
	@go run ./deploy/bench $(if $(OUT),--out '$(OUT)') $(BENCH_FLAGS)

.PHONY: score
score: need-go bin/local ## compare the models' answers with the truth; SEEDS, FIRST_SEED, SCENARIOS=dir, OUT=file.json
	@dbt="$$(bin/local install | sed -n 's/^GANTRY_DBT=//p')"; \
	exec go run ./deploy/score run --dbt "$$dbt" --seeds '$(or $(SEEDS),20)' --first-seed '$(or $(FIRST_SEED),1)' \
		$(if $(SCENARIOS),--scenarios '$(SCENARIOS)') $(if $(OUT),--out '$(OUT)') $(SCORE_FLAGS)

.PHONY: lint
lint: lint-proto lint-rules lint-sql $(TOOLS)/ready ## golangci-lint, buf lint, sqlfluff, actionlint, promtool
	@$(TOOLS)/golangci-lint run --allow-serial-runners ./...
	@if compgen -G '.github/workflows/*.y*ml' >/dev/null; then $(TOOLS)/actionlint; fi

.PHONY: generate
generate: $(TOOLS)/ready ## generate proto/gen and the pages' client from proto
	@$(BUF) generate
	@if [ -d $(WEB)/node_modules ]; then $(BUF) generate --template $(WEB)/buf.gen.yaml; \
	else echo "the pages' client was not generated: npm ci in $(WEB) first" >&2; fi

CLIENTS := deploy/clients
.PHONY: clients
clients: $(TOOLS)/ready foreign-clients ## generate clients in Go, TypeScript and Python; deploy/clients has examples in each
	@$(BUF) generate
	@printf 'Go\tproto/gen\nTypeScript\t%s\nPython\t%s\n' '$(CLIENTS)/typescript/gen, compiled in $(CLIENTS)/typescript/build' \
		"$(CLIENTS)/python/gen, run by $$(bin/local install --clients | sed -n 's/^GANTRY_CLIENTS=//p')/python" | expand -t 12

.PHONY: images
images: pages ## build the container images; ENGINE=podman|docker, PLATFORM=linux/arm64, TAG=…
	@deploy/images/build
	@tag="$${TAG:-$$(git describe --tags --always --dirty)}"; engine="$${ENGINE:-$$(command -v podman || command -v docker)}"; \
		for i in gantry-agent collector dbt; do "$$engine" tag "gantry/$$i:$$tag" "gantry/$$i:latest"; done

.PHONY: test-images
test-images: install ## build the images twice and run them, with podman; minutes, so no part of make test
	@command -v podman >/dev/null || { echo "gantry: podman is missing (needed to build and run images): install podman and buildah" >&2; exit 1; }
	@GANTRY_IMAGES=1 go test -count=1 -v -timeout 40m ./deploy/e2e/images

.PHONY: pictures
pictures: need-go ## draw the README's pictures of a simulated day
	@go run ./gantry-agent world plot --what=space-time --day=2026-03-06 --direction=north --out=.github/pictures/space-time.png
	@go run ./gantry-agent world plot --what=fundamental --day=2026-03-06 --direction=north --out=.github/pictures/fundamental.png

.PHONY: screenshots
screenshots: need-go chromium ## draw the README's pictures of the pages, in a real browser on two weeks of data
	@GANTRY_SCREENSHOTS=1 go test -timeout 30m -count=1 -run TestScreenshots ./deploy/e2e/web

.PHONY: docs
docs: bin/local ## describe every model and column in bin/dbt-docs.html; needs a running stack
	@address="$$(bin/local address clickhouse-http)"; dbt="$$(bin/local install | sed -n 's/^GANTRY_DBT=//p')"; \
	password="$$(cat '$(STATE)/secrets/clickhouse-dbt')"; target='$(CURDIR)/bin/dbt-docs'; \
	cd dbt; GANTRY_CLICKHOUSE_HOST="$${address%:*}" GANTRY_CLICKHOUSE_HTTP_PORT="$${address##*:}" GANTRY_DBT_PASSWORD="$$password" \
		DBT_TARGET_PATH="$$target" DBT_LOG_PATH="$$target" "$$dbt" --quiet docs generate --static
	@mv bin/dbt-docs/static_index.html bin/dbt-docs.html
	@rm -rf bin/dbt-docs
	@echo "bin/dbt-docs.html: open it in a browser"

.PHONY: clean
clean: ## remove what was built; the state folder and the user's cache stay
	@rm -rf bin dbt/target dbt/logs $(WEB)/dist/assets $(WEB)/dist/index.html*

# --- parts of the above

.PHONY: programs
programs: need-go pages
	@go build -o bin/ $(PROGRAMS)

# The dashboard. Without Node the collector has a placeholder in its place.
WEB := collector/web
.PHONY: pages
pages:
	@if ! node --eval 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' 2>/dev/null; then \
		echo "gantry: the pages are not built, for Node.js 20.19 or newer is missing; data are served all the same"; \
	elif [ ! -f $(WEB)/dist/index.html ] || [ -n "$$(find $(WEB)/src $(WEB)/public $(WEB)/index.html $(WEB)/*.json $(WEB)/vite.config.ts -newer $(WEB)/dist/index.html -print -quit)" ]; then \
		echo "building the pages"; \
		cd $(WEB); \
		[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --silent; \
		npm run --silent build -- --logLevel warn; \
	fi

# All but Go's, whose files other tests compile while those of the examples run.
.PHONY: foreign-clients
foreign-clients: $(TOOLS)/ready bin/local
	@python="$$(bin/local install --clients | sed -n 's/^GANTRY_CLIENTS=//p')"; \
	cd $(CLIENTS)/typescript; [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --silent; cd '$(CURDIR)'; \
	rm -rf $(CLIENTS)/*/gen $(CLIENTS)/typescript/build; \
	PATH="$$python:$$PATH" $(BUF) generate --template $(CLIENTS)/buf.gen.yaml; \
	npm --prefix $(CLIENTS)/typescript run --silent build

.PHONY: need-go
need-go:
	@command -v go >/dev/null || { echo "gantry: go is missing (needed to build): install Go 1.26 or newer" >&2; exit 1; }

.PHONY: bin/local
bin/local: need-go
	@go build -o bin/ ./deploy/local

.PHONY: install
install: need-go need-test-tools chromium bin/local
	@bin/local install --kafka=apache --checks

.PHONY: need-test-tools
need-test-tools: qemu
	@for tool in 'cc:the race detector:a C compiler, as gcc or clang' 'npm:the ClickHouse engine:Node.js 20 or newer' \
		'python3:dbt:Python 3.10 or newer' 'java:Apache Kafka:Java 17 or newer' 'mvn:Apache Kafka:Maven'; do \
		IFS=: read -r name purpose remedy <<<"$$tool"; \
		command -v "$$name" >/dev/null || { echo "gantry: $$name is missing (needed for $$purpose): install $$remedy" >&2; exit 1; }; \
	done

# What runs the tests as compiled for arm64.
.PHONY: qemu
qemu:
	@command -v qemu-aarch64 >/dev/null || { \
		sudo=$$([ "$$(id -u)" = 0 ] || command -v sudo || true); \
		$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends qemu-user >/dev/null; } || \
		{ echo "gantry: qemu-aarch64 is missing (needed to test what is compiled for arm64): install qemu-user" >&2; exit 1; }

# The browser that the tests of the pages open.
.PHONY: chromium
chromium:
	@[ -x "$${GANTRY_WEB_CHROMIUM:-/usr/bin/chromium}" ] || { \
		sudo=$$([ "$$(id -u)" = 0 ] || command -v sudo || true); \
		$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
		{ echo "gantry: chromium is missing (needed to test the pages): install it, or name one in GANTRY_WEB_CHROMIUM" >&2; exit 1; }

$(TOOLS)/ready: deploy/tools/go.mod deploy/tools/go.sum | need-go
	@echo "building the pinned tools (once, minutes)"
	@mkdir -p $(TOOLS)
	@go build -C deploy/tools -o '$(CURDIR)/$(TOOLS)/' tool
	@touch $@

.PHONY: lint-proto
lint-proto: $(TOOLS)/ready
	@$(BUF) lint

# Prometheus' own judge, with a module file of its own, so that the other tools
# need not agree with its dependencies; without the clouds' discovery, which
# would be most of it.
$(TOOLS)/promtool: deploy/tools/promtool.mod deploy/tools/promtool.sum | need-go
	@echo "building promtool (once, minutes)"
	@mkdir -p $(TOOLS)
	@go build -C deploy/tools -modfile=promtool.mod -tags remove_all_sd,enable_dns_sd -o '$(CURDIR)/$@' github.com/prometheus/prometheus/cmd/promtool
	@touch $@

.PHONY: lint-rules
lint-rules: $(TOOLS)/promtool
	@cd deploy/prometheus && for check in 'check config prometheus.yml' 'check rules gantry.rules.yml' 'test rules rules_test.yml'; do \
		said="$$('$(CURDIR)/$(TOOLS)/promtool' $$check 2>&1)" || { echo "$$said" >&2; exit 1; }; done

# Its workers leave a semaphore behind, of which Python warns.
.PHONY: lint-sql
lint-sql: bin/local
	@checks="$$(bin/local install --checks | sed -n 's/^GANTRY_CHECKS=//p')"; cd dbt; \
		PYTHONWARNINGS=ignore PYTHONDONTWRITEBYTECODE=1 "$$checks/sqlfluff" lint --processes=0 --disable-progress-bar --quiet models tests

.PHONY: generated
generated: $(TOOLS)/ready
	@rm -rf bin/.generated
	@$(BUF) generate -o bin/.generated
	@[ -d $(WEB)/node_modules ] || (cd $(WEB) && npm ci --no-audit --no-fund --silent)
	@$(BUF) generate --template $(WEB)/buf.gen.yaml -o bin/.generated
	@diff -r bin/.generated/$(WEB)/src/gen $(WEB)/src/gen || { echo "$(WEB)/src/gen is not what proto generates: make generate" >&2; exit 1; }
	@diff -r bin/.generated/proto/gen proto/gen || { echo "proto/gen is not what proto generates: make generate" >&2; exit 1; }

.PHONY: vet
vet:
	@go vet ./...

.PHONY: test-go
test-go:
	@$(GO_TEST) -race $$(go list ./... | grep -E '^$(MODULE)/($(CONCURRENT))(/|$$)')
	@$(GO_TEST) -parallel 4 $$(go list ./... | grep -vE '^$(MODULE)/($(CONCURRENT))(/|$$)')
