{{- define "service.selector" -}}
{{ dict "app.kubernetes.io/name" .Values.name | toJson }}
{{- end }}

{{- define "service.labels" -}}
{{ dict "app.kubernetes.io/name" .Values.name "deploy/service" .Values.name | toJson }}
{{- end }}

{{- define "service.jobLabels" -}}
{{ dict "app.kubernetes.io/name" (printf "%s-migrate" .Values.name) "deploy/service" .Values.name | toJson }}
{{- end }}

{{- define "service.config" -}}
{{- $own := dict "DRAIN_SECONDS" .Values.drain_seconds "GRACEFUL_SECONDS" .Values.graceful_seconds "OTEL_SERVICE_NAME" .Values.name "PORT" .Values.port -}}
{{- $config := dict -}}
{{- range $key, $value := merge (deepCopy .Values.settings) $own -}}
{{- $_ := set $config $key (toString $value) -}}
{{- end -}}
{{ toJson $config }}
{{- end }}

{{- define "service.configName" -}}
{{ .Values.config_name | default (printf "%s-%s" .Values.name (include "service.config" . | sha256sum | trunc 10)) }}
{{- end }}

{{- define "service.image" -}}
{{ .Values.repository }}@{{ required "digest is needed: a release is never by tag" .Values.digest }}
{{- end }}

{{/* The hash of the whole spec: a Job's template is immutable. A long name is cut to what a label may have (63). */}}
{{- define "service.jobName" -}}
{{- $suffix := printf "-migrate-%s" (include "service.jobSpec" . | sha256sum | trunc 10) -}}
{{- if .Values.job_name -}}
{{ .Values.job_name }}
{{- else if gt (add (len .Values.name) (len $suffix)) 63 -}}
{{ .Values.name | trunc (int (sub 56 (len $suffix))) | trimSuffix "-" }}-{{ .Values.name | sha256sum | trunc 6 }}{{ $suffix }}
{{- else -}}
{{ .Values.name }}{{ $suffix }}
{{- end }}
{{- end }}

{{- define "service.grace" -}}
{{ add .Values.drain_seconds .Values.graceful_seconds 10 }}
{{- end }}

{{/* What the service's pods and the migration's have in common */}}
{{- define "service.variables" -}}
envFrom:
  - configMapRef:
      name: {{ include "service.configName" . }}
env:
{{- range .Values.secret.keys | sortAlpha }}
  - name: {{ . }}
    valueFrom:
      secretKeyRef:
        name: {{ $.Values.secret.name }}
        key: {{ . }}
{{- end }}
  - name: IMAGE_DIGEST
    value: {{ .Values.digest }}
{{- end }}

{{- define "service.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end }}
