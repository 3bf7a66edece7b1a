import { useState, type FormEvent, type ReactNode } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useQueryClient } from '@tanstack/react-query'
import { Button } from '../../ui/Button'
import { TextArea, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { Tabs } from '../../ui/Tabs'
import { CheckResult } from './CheckResult'
import { connectLive, connectRecorded, nameOf, STEP_WORDS, type Connected, type Progress } from './connect'
import type { Chosen } from './dropped'
import { RecordingDrop } from './RecordingDrop'
import styles from './AddClusterDialog.module.css'

type Work = (onProgress: (progress: Progress) => void) => Promise<Connected>

/** Adds a cluster from one of four sources and shows the check of the connection before the cluster opens. */
export function AddClusterDialog({ onClose }: { onClose: () => void }) {
  const [source, setSource] = useState('kubeconfig')
  const [progress, setProgress] = useState<Progress | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [connected, setConnected] = useState<Connected | null>(null)
  const navigate = useNavigate()
  const queries = useQueryClient()

  const run = async (work: Work) => {
    setError(null)
    setProgress({ step: 'adding', fraction: null })
    try {
      setConnected(await work(setProgress))
    } catch (thrown) {
      setError(thrown)
    } finally {
      setProgress(null)
      await queries.invalidateQueries({ queryKey: ['clusters'] })
    }
  }
  const open = () => {
    if (connected) {
      onClose()
      void navigate({ to: '/c/$cluster', params: { cluster: connected.cluster.id } })
    }
  }
  const busy = progress !== null

  return (
    <Modal open onClose={onClose} title="Add a cluster" width={640}>
      {connected ? (
        <div className={styles.form}>
          <CheckResult check={connected.check} />
          <div className={styles.actions}>
            <Button onClick={onClose}>Close</Button>
            <Button tone="primary" onClick={open} autoFocus>
              Open {connected.cluster.name}
            </Button>
          </div>
        </div>
      ) : (
        <>
          <Tabs
            label="Source of the cluster"
            value={source}
            onChange={setSource}
            tabs={[
              { value: 'kubeconfig', title: 'Kubeconfig', content: <KubeconfigForm busy={busy} run={run} /> },
              {
                value: 'recorded',
                title: 'Recorded cluster',
                content: <RecordedForm busy={busy} run={run} />,
              },
              { value: 'token', title: 'Token', content: <TokenForm busy={busy} run={run} /> },
              { value: 'eks', title: 'EKS role', content: <EksForm busy={busy} run={run} /> },
            ]}
          />
          <div className={styles.outcome}>
            {progress && <ProgressLine progress={progress} />}
            {error !== null && <ErrorNotice error={error} />}
          </div>
        </>
      )}
    </Modal>
  )
}

function ProgressLine({ progress }: { progress: Progress }) {
  const { step, fraction } = progress
  return (
    <div className={styles.progress} role="status">
      <span>
        {STEP_WORDS[step]}
        {fraction === null ? '…' : ` ${Math.round(fraction * 100)}%`}
      </span>
      <progress aria-label={STEP_WORDS[step]} max={1} value={fraction ?? undefined} />
    </div>
  )
}

interface FormProps {
  busy: boolean
  run: (work: Work) => Promise<void>
}

function SourceForm({
  busy,
  ready,
  onSubmit,
  children,
}: {
  busy: boolean
  ready: boolean
  onSubmit: () => void
  children: ReactNode
}) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <form className={styles.form} onSubmit={submit}>
      {children}
      <div className={styles.actions}>
        <Button type="submit" tone="primary" disabled={busy || !ready}>
          {busy ? 'Connecting…' : 'Connect'}
        </Button>
      </div>
    </form>
  )
}

function KubeconfigForm({ busy, run }: FormProps) {
  const [name, setName] = useState('')
  const [kubeconfig, setKubeconfig] = useState('')
  const readFile = async (files: FileList | null) => {
    const file = files?.[0]
    if (file) {
      setKubeconfig(await file.text())
      setName((current) => current || file.name.replace(/\.(ya?ml|conf|kubeconfig)$/i, ''))
    }
  }
  return (
    <SourceForm
      busy={busy}
      ready={kubeconfig.trim() !== ''}
      onSubmit={() =>
        void run((onProgress) =>
          connectLive(name || contextName(kubeconfig), { type: 'kubeconfig', kubeconfig }, onProgress),
        )
      }
    >
      <TextField
        label="Name"
        value={name}
        onChange={(e) => setName(e.target.value)}
        placeholder="The context's name"
      />
      <TextArea
        label="Kubeconfig"
        value={kubeconfig}
        onChange={(e) => setKubeconfig(e.target.value)}
        placeholder="apiVersion: v1&#10;kind: Config&#10;clusters: …"
        hint="Inline certificates and tokens only. Plugins (exec), file paths and proxies are refused: what you paste is never run."
      />
      <label className={styles.file}>
        Choose a file
        <input type="file" className="visually-hidden" onChange={(e) => void readFile(e.target.files)} />
      </label>
    </SourceForm>
  )
}

/** The current context's name, as a default for the cluster's name. */
function contextName(kubeconfig: string): string {
  return /^current-context:\s*["']?([^"'\s]+)/m.exec(kubeconfig)?.[1] ?? 'cluster'
}

function RecordedForm({ busy, run }: FormProps) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const choose = (next: Chosen) => {
    setChosen(next)
    setName(nameOf(next))
  }
  return (
    <SourceForm
      busy={busy}
      ready={chosen !== null && name.trim() !== ''}
      onSubmit={() => chosen && void run((onProgress) => connectRecorded(name, chosen, onProgress))}
    >
      <RecordingDrop chosen={chosen} onChoose={choose} />
      <TextField label="Name" value={name} onChange={(e) => setName(e.target.value)} required />
    </SourceForm>
  )
}

function TokenForm({ busy, run }: FormProps) {
  const [name, setName] = useState('')
  const [server, setServer] = useState('')
  const [token, setToken] = useState('')
  const [ca, setCa] = useState('')
  return (
    <SourceForm
      busy={busy}
      ready={Boolean(name && server && token)}
      onSubmit={() =>
        void run((onProgress) => connectLive(name, { type: 'token', server, ca, token }, onProgress))
      }
    >
      <TextField label="Name" value={name} onChange={(e) => setName(e.target.value)} required />
      <TextField
        label="API server"
        type="url"
        value={server}
        onChange={(e) => setServer(e.target.value)}
        placeholder="https://api.example.com:6443"
        required
      />
      <TextField
        label="Bearer token"
        type="password"
        autoComplete="off"
        value={token}
        onChange={(e) => setToken(e.target.value)}
        hint="Of a service account with read access. Stored encrypted, never shown again."
        required
      />
      <TextArea
        label="Certificate authority (PEM)"
        value={ca}
        onChange={(e) => setCa(e.target.value)}
        placeholder="-----BEGIN CERTIFICATE-----"
        hint="Empty when a public authority signed the server's certificate."
      />
    </SourceForm>
  )
}

const EKS_FIELDS = [
  ['cluster', 'Cluster name', ''],
  ['region', 'Region', 'us-east-1'],
  ['role_arn', 'Role ARN', 'arn:aws:iam::123456789012:role/kubilitics-read'],
  ['external_id', 'External id', ''],
] as const

function EksForm({ busy, run }: FormProps) {
  const [fields, setFields] = useState({ cluster: '', region: '', role_arn: '', external_id: '' })
  return (
    <SourceForm
      busy={busy}
      ready={Object.values(fields).every(Boolean)}
      onSubmit={() =>
        void run((onProgress) => connectLive(fields.cluster, { type: 'eks', ...fields }, onProgress))
      }
    >
      {EKS_FIELDS.map(([key, label, placeholder]) => (
        <TextField
          key={key}
          label={label}
          placeholder={placeholder}
          value={fields[key]}
          onChange={(e) => setFields({ ...fields, [key]: e.target.value })}
          required
        />
      ))}
      <p className={styles.note}>
        The role is assumed with the external id; no key of yours is stored. It needs an EKS access entry with
        read access.
      </p>
    </SourceForm>
  )
}
