{{- define "hallpass.labels" -}}
app.kubernetes.io/name: hallpass
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hallpass.image" -}}
{{ required "image.repository: where the image of the Dockerfile is" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "hallpass.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: tmp
    emptyDir: {medium: Memory, sizeLimit: 64Mi}
  - name: state
    emptyDir: {sizeLimit: 1Gi}
  - name: witness
    persistentVolumeClaim:
      claimName: {{ required "witness.claim: a volume apart from the database" .Values.witness.claim }}
{{- end }}

{{- define "hallpass.container" -}}
image: {{ include "hallpass.image" . }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - secretRef:
      name: {{ required "secret: the Secret with DATABASE_URL and HALLPASS_KEY" .Values.secret }}
env:
  - {name: HALLPASS_BASE_URL, value: {{ required "baseUrl: the address that clients see" .Values.baseUrl | quote }}}
  - {name: HALLPASS_WITNESS, value: /witness}
  - {name: HALLPASS_WORKER, value: "false"}
  - {name: HALLPASS_DRAIN_SECONDS, value: {{ .Values.drainSeconds | quote }}}
  {{- range $name, $value := .Values.settings }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
{{- end }}
