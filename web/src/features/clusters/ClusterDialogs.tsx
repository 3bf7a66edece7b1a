import { useState, type FormEvent } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { removeCluster, renameCluster } from '../../api/commands'
import { clustersQuery } from '../../api/queries'
import type { Cluster } from '../../api/types'
import { forgetCluster } from '../../app/layout'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { ProductionChip } from './ClusterSwitcher'
import styles from './AddClusterDialog.module.css'

interface DialogProps {
  cluster: Cluster
  onClose: () => void
}

export function RenameDialog({ cluster, onClose }: DialogProps) {
  const [name, setName] = useState(cluster.name)
  const queries = useQueryClient()
  const rename = useMutation({
    mutationFn: () => renameCluster(cluster.id, name.trim()),
    onSuccess: async () => {
      await queries.invalidateQueries()
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    rename.mutate()
  }
  return (
    <Modal open onClose={onClose} title={`Rename ${cluster.name}`} width={420}>
      <form className={styles.form} onSubmit={submit}>
        <TextField label="Name" value={name} onChange={(e) => setName(e.target.value)} required autoFocus />
        {rename.isError && <ErrorNotice error={rename.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            tone="primary"
            disabled={rename.isPending || !name.trim() || name === cluster.name}
          >
            Rename
          </Button>
        </div>
      </form>
    </Modal>
  )
}

/** Removing needs the name typed out: the connection, its history and its findings go with it. */
export function RemoveDialog({ cluster, onClose }: DialogProps) {
  const [typed, setTyped] = useState('')
  const queries = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    mutationFn: () => removeCluster(cluster.id, typed),
    onSuccess: async () => {
      // Out of the list first, so that nothing on screen asks for it again; an older answer must not bring it back.
      await queries.cancelQueries({ queryKey: ['clusters'] })
      forgetCluster(cluster.id)
      queries.setQueryData(clustersQuery().queryKey, (page) =>
        page ? { ...page, items: page.items.filter((other) => other.id !== cluster.id) } : page,
      )
      onClose()
      await navigate({ to: '/clusters' })
      await queries.invalidateQueries({ queryKey: ['clusters'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    remove.mutate()
  }
  return (
    <Modal
      open
      onClose={onClose}
      title={`Remove ${cluster.name}`}
      description="Kubilitics forgets the connection, the stored credentials and everything it found. The cluster itself is not touched."
      width={460}
    >
      <form className={styles.form} onSubmit={submit}>
        {cluster.production && (
          <p>
            <ProductionChip />
          </p>
        )}
        <TextField
          label={`Type ${cluster.name} to confirm`}
          value={typed}
          onChange={(e) => setTyped(e.target.value)}
          autoComplete="off"
          autoFocus
        />
        {remove.isError && <ErrorNotice error={remove.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="danger" disabled={remove.isPending || typed !== cluster.name}>
            Remove {cluster.name}
          </Button>
        </div>
      </form>
    </Modal>
  )
}
