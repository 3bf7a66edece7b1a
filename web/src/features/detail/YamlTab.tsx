import { useMemo } from 'react'
import { useQuery } from '@tanstack/react-query'
import { yamlQuery } from '../../api/queries'
import type { ResourceRef } from '../../api/types'
import { CopyButton } from '../../ui/CopyCommand'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { yamlTokens } from './yaml'
import styles from './YamlTab.module.css'

/** The object as YAML, to read and copy. */
export function YamlTab({ cluster, resource }: { cluster: string; resource: ResourceRef }) {
  const yaml = useQuery(yamlQuery(cluster, resource))
  const text = yaml.data?.yaml ?? ''
  const lines = useMemo(() => text.replace(/\n$/, '').split('\n').map(yamlTokens), [text])
  if (yaml.isPending) {
    return <SkeletonRows count={14} />
  }
  if (yaml.isError) {
    return (
      <ErrorNotice
        error={yaml.error}
        title="The YAML could not be read"
        onRetry={() => void yaml.refetch()}
      />
    )
  }
  return (
    <div className={styles.yaml}>
      <div className={styles.copy}>
        <CopyButton text={text} label="Copy the YAML" />
      </div>
      <pre className={styles.code} tabIndex={0} aria-label={`YAML of ${resource.name}`}>
        {lines.map((tokens, index) => (
          <span key={index} className={styles.line} data-line={index + 1}>
            {tokens.map((token, at) =>
              token.type === 'text' ? (
                token.text
              ) : (
                <span key={at} className={styles[token.type]}>
                  {token.text}
                </span>
              ),
            )}
            {'\n'}
          </span>
        ))}
      </pre>
    </div>
  )
}
