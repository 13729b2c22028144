//! Runs event-level SQL in process (DataFusion), over Parquet or over lines that a reader hands in.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, Int64Array, RecordBatch, StringArray, StringBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

use crate::model::Grain;
use crate::sql::{EVENTS, slot_function};

/// Most memory of one question, in bytes; sorting and grouping beyond it fail with a reason.
const MEMORY: usize = 512 << 20;

/// Most rows of an answer.
const MOST_ROWS: usize = 5_000_000;

/// Rows handed on together.
const BATCH: usize = 8_192;

/// Why a question was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);

/// Takes one row; returns false when no more are wanted.
pub type Take<'a> = dyn FnMut(Vec<Option<String>>) -> bool + 'a;

/// Hands every row of the lines to a taker, or says what is wrong with one.
pub type Feed = Arc<dyn Fn(&mut Take<'_>) -> Result<(), String> + Send + Sync>;

/// From the text of a time to the start of its bucket; an error names what is wrong with it.
pub type Slot = Arc<dyn Fn(Grain, &str) -> Result<i64, String> + Send + Sync>;

/// Where the rows are.
pub enum Rows {
    /// In Parquet files of one shape.
    Parquet(Vec<PathBuf>),
    /// In lines, each with these columns as texts.
    Lines(Vec<String>, Feed),
}

/// An answer: names of its columns, and rows of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows; NULL is `None`.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Asks all statements of the same rows, off the daemon's own threads.
pub async fn ask(
    rows: Rows,
    slot: Slot,
    statements: Vec<String>,
) -> Result<Vec<Answer>, EngineError> {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|why| EngineError(why.to_string()))?;
        runtime
            .block_on(answers(rows, slot, &statements))
            .map_err(|why| EngineError(said(&why)))
    };
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|why| Err(EngineError(format!("the question was cut off: {why}"))))
}

/// The innermost reason, in the words of whoever gave it.
fn said(why: &DataFusionError) -> String {
    match why.find_root() {
        DataFusionError::Execution(text) => text.clone(),
        other => other.strip_backtrace(),
    }
}

async fn answers(
    rows: Rows,
    slot: Slot,
    statements: &[String],
) -> Result<Vec<Answer>, DataFusionError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_limit(MEMORY, 1.0)
        .build_arc()?;
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .with_batch_size(BATCH);
    let context = SessionContext::new_with_config_rt(config, runtime);
    for grain in [Grain::Hour, Grain::Day, Grain::Week] {
        let slot = Arc::clone(&slot);
        let call = Arc::new(move |values: &[ColumnarValue]| slots(values, grain, &slot));
        let (name, texts) = (slot_function(grain), vec![DataType::Utf8]);
        context.register_udf(create_udf(
            name,
            texts,
            DataType::Int64,
            Volatility::Immutable,
            call,
        ));
    }
    register(&context, rows).await?;
    let mut found = Vec::new();
    for statement in statements {
        let frame = context.sql(statement).await?;
        let columns = frame
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut answer = Answer {
            columns,
            rows: Vec::new(),
        };
        for batch in frame.collect().await? {
            texts(&batch, &mut answer.rows)?;
            if answer.rows.len() > MOST_ROWS {
                let why = format!("the answer has more than {MOST_ROWS} rows");
                return Err(DataFusionError::Execution(why));
            }
        }
        found.push(answer);
    }
    Ok(found)
}

/// The rows as the table that every statement asks.
async fn register(context: &SessionContext, rows: Rows) -> Result<(), DataFusionError> {
    match rows {
        Rows::Parquet(paths) => {
            let paths: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let frame = context
                .read_parquet(paths, ParquetReadOptions::default())
                .await?;
            context.register_table(EVENTS, frame.into_view())?;
        }
        Rows::Lines(columns, feed) => {
            let fields: Vec<Field> = columns
                .iter()
                .map(|name| Field::new(name, DataType::Utf8, true))
                .collect();
            let schema: SchemaRef = Arc::new(Schema::new(fields));
            let lines = Arc::new(Lines {
                schema: Arc::clone(&schema),
                feed,
            });
            context.register_table(
                EVENTS,
                Arc::new(StreamingTable::try_new(schema, vec![lines])?),
            )?;
        }
    }
    Ok(())
}

/// Starts of buckets for texts of times.
fn slots(
    values: &[ColumnarValue],
    grain: Grain,
    slot: &Slot,
) -> Result<ColumnarValue, DataFusionError> {
    let arrays = ColumnarValue::values_to_arrays(values)?;
    let array = cast(&arrays[0], &DataType::Utf8)?;
    let wrong = || DataFusionError::Execution("a time that is no text".to_owned());
    let texts = array
        .as_any()
        .downcast_ref::<StringArray>()
        .ok_or_else(wrong)?;
    let mut last: Option<(&str, i64)> = None;
    let mut found = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(text) = text else {
            found.push(None);
            continue;
        };
        let start = match last {
            Some((before, start)) if before == text => start,
            _ => slot(grain, text).map_err(DataFusionError::Execution)?,
        };
        last = Some((text, start));
        found.push(Some(start));
    }
    Ok(ColumnarValue::Array(Arc::new(Int64Array::from(found))))
}

fn texts(batch: &RecordBatch, rows: &mut Vec<Vec<Option<String>>>) -> Result<(), DataFusionError> {
    for at in 0..batch.num_rows() {
        let text = |column: &ArrayRef| {
            if column.is_null(at) {
                Ok(None)
            } else {
                array_value_to_string(column, at).map(Some)
            }
        };
        rows.push(batch.columns().iter().map(text).collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// Lines as a table that is read once for each statement.
struct Lines {
    schema: SchemaRef,
    feed: Feed,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl PartitionStream for Lines {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 2);
        let (schema, feed, sender) = (
            Arc::clone(&self.schema),
            Arc::clone(&self.feed),
            builder.tx(),
        );
        builder.spawn_blocking(move || {
            let mut pending = Pending::new(schema);
            let mut trouble = None;
            let outcome = feed(&mut |row| {
                pending.add(row);
                if pending.rows < BATCH {
                    return true;
                }
                match pending.batch() {
                    // Nobody listens any more: the rest is not wanted.
                    Ok(batch) => sender.blocking_send(Ok(batch)).is_ok(),
                    Err(why) => {
                        trouble = Some(why);
                        false
                    }
                }
            });
            outcome.map_err(DataFusionError::Execution)?;
            if let Some(why) = trouble {
                return Err(why);
            }
            let rest = pending.batch()?;
            sender.blocking_send(Ok(rest)).unwrap_or_default();
            Ok(())
        });
        builder.build()
    }
}

/// Rows on their way into a batch.
struct Pending {
    schema: SchemaRef,
    columns: Vec<StringBuilder>,
    rows: usize,
}

impl Pending {
    fn new(schema: SchemaRef) -> Self {
        let columns = schema
            .fields()
            .iter()
            .map(|_| StringBuilder::new())
            .collect();
        Self {
            schema,
            columns,
            rows: 0,
        }
    }

    fn add(&mut self, row: Vec<Option<String>>) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.append_option(value);
        }
        self.rows += 1;
    }

    fn batch(&mut self) -> Result<RecordBatch, DataFusionError> {
        self.rows = 0;
        let arrays = self
            .columns
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef)
            .collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }
}
