// Package dashboards has a Grafana dashboard and Prometheus alert rules for the metrics of package otel, as files: import grafana.json in
// Grafana, and name alerts.yaml in the rule_files of Prometheus. It is a module of its own, so that its tests may use Prometheus.
package dashboards
