import type { ReactNode } from 'react'
import { Link } from '@tanstack/react-router'
import type { ResourceRef } from '../api/types'
import styles from './ResourceLink.module.css'

interface ResourceLinkProps {
  cluster: string | undefined | null
  resource: ResourceRef
  children?: ReactNode
  /** Leaves out the namespace where the page already says it. */
  short?: boolean
}

/** A real link to an object, so that it opens in a new tab and can be pasted into an incident channel. */
export function ResourceLink({ cluster, resource, children, short }: ResourceLinkProps) {
  const { kind, namespace, name } = resource
  const content = children ?? (
    <>
      <span className={styles.kind}>{kind}</span> {!short && namespace ? `${namespace}/` : ''}
      {name}
    </>
  )
  if (!cluster || !kind || !name) {
    return <span className={styles.link}>{content}</span>
  }
  return (
    <Link
      className={styles.link}
      to="/c/$cluster/k/$kind/$namespace/$name"
      params={{ cluster, kind, namespace: namespace || '-', name }}
      preload={false}
    >
      {content}
    </Link>
  )
}

export function refKey(ref: ResourceRef): string {
  return `${ref.kind}/${ref.namespace ?? ''}/${ref.name}`
}

/** A reference written as `Kind namespace/name`, `Kind/namespace/name`, or without the namespace. */
export function refOf(text: string): ResourceRef {
  const [kind = '', ...rest] = text.split(/[ /]/)
  const name = rest.pop() ?? ''
  return { kind, name, namespace: rest.join('/') || undefined }
}
