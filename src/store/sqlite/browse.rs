//! What pages, the API and reports read.

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, params};

use crate::incident::Incident;
use crate::model::{Evaluation, Fingerprint, Name, Question, Timestamp, Window};
use crate::notify::Reason;
use crate::store::rows::{at, millis};
use crate::store::{Browse, LetterRow, Pull, StoreError, TokenRow};

use super::{Sqlite, incident, observation, outbox, pull, trouble};

#[async_trait]
impl Browse for Sqlite {
    async fn latest(&self) -> Result<Vec<Evaluation>, StoreError> {
        self.read(incident::latest).await
    }

    async fn evaluations(&self, window: Window) -> Result<Vec<Evaluation>, StoreError> {
        self.read(move |connection, project| incident::evaluations_in(connection, project, window))
            .await
    }

    async fn incident(&self, number: u32) -> Result<Option<Incident>, StoreError> {
        self.read(move |connection, project| incident::numbered(connection, project, number))
            .await
    }

    async fn incidents_in(&self, window: Window) -> Result<Vec<Incident>, StoreError> {
        self.read(move |connection, project| incident::incidents_in(connection, project, window))
            .await
    }

    async fn letters(
        &self,
        of: Option<Fingerprint>,
        limit: u32,
    ) -> Result<Vec<LetterRow>, StoreError> {
        self.read(move |connection, project| outbox::list(connection, project, of, limit))
            .await
    }

    async fn pulls_in(&self, window: Window) -> Result<Vec<Pull>, StoreError> {
        self.read(move |connection, project| pull::pulls_in(connection, project, window))
            .await
    }

    async fn first_seen(
        &self,
        questions: &[Question],
    ) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let questions = questions.to_vec();
        self.read(move |connection, project| {
            questions
                .iter()
                .map(|question| observation::first_seen(connection, project, question))
                .collect()
        })
        .await
    }

    async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.read(|connection, project| {
            let mut query = connection
                .prepare(
                    "SELECT name, scope, made_at, ends_at FROM token WHERE project = ?1 ORDER BY name",
                )
                .map_err(|why| trouble(&why))?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok(TokenRow {
                    name: Name::clean(&row.get::<_, String>(0)?),
                    scope: row.get(1)?,
                    made_at: at(row.get(2)?),
                    ends_at: row.get::<_, Option<i64>>(3)?.map(at),
                })
            };
            query
                .query_map([project.as_str()], row)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|why| trouble(&why))
        })
        .await
    }

    async fn has_tokens(&self) -> Result<bool, StoreError> {
        self.read(|connection, project| {
            connection
                .query_row(
                    "SELECT 1 FROM token WHERE project = ?1 LIMIT 1",
                    [project.as_str()],
                    |_| Ok(()),
                )
                .optional()
                .map(|found| found.is_some())
                .map_err(|why| trouble(&why))
        })
        .await
    }

    async fn token_scope(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let hash = *hash;
        self.read(move |connection, project| {
            connection
                .query_row(
                    "SELECT scope FROM token WHERE project = ?1 AND hash = ?2
                       AND (ends_at IS NULL OR ends_at > ?3)",
                    params![project.as_str(), hash, millis(now)],
                    |row| row.get(0),
                )
                .optional()
                .map_err(|why| trouble(&why))
        })
        .await
    }

    async fn told_since(&self, since: Timestamp) -> Result<Vec<(Name, Reason, u32)>, StoreError> {
        self.read(move |connection, project| incident::told_since(connection, project, since))
            .await
    }
}
