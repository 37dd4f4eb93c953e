//! `WikiText` tokens (Merity et al. 2016): articles under ` = Title = ` lines.

use super::Document;
use super::lines::Lines;
use super::source::Source;
use crate::error::DataError;

/// Reads articles, each with its title line. `<unk>` stays as it is: the text rules know it.
pub(super) struct WikiTextReader {
    lines: Lines,
    /// The title line that ended the article before.
    title: Option<String>,
}

impl WikiTextReader {
    pub(super) fn new(source: Source) -> Self {
        Self {
            lines: Lines::new(source),
            title: None,
        }
    }
}

impl Iterator for WikiTextReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut article = self.title.take().unwrap_or_default();
        let first_line = self.lines.number().max(1);
        let limit = self.lines.limit();
        // A line that looks like a title only is one behind a blank line.
        let mut blank = article.is_empty();
        for line in self.lines.by_ref() {
            let line = match line {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            if blank && is_title(&line) {
                if article.trim().is_empty() {
                    article.clear();
                } else {
                    self.title = Some(line);
                    return Some(Ok(Document::new(article)));
                }
            }
            blank = line.trim().is_empty();
            if (article.len() + line.len()) as u64 > limit {
                return Some(Err(DataError::RecordTooLarge {
                    path: self.lines.name().to_owned(),
                    line: first_line,
                    limit,
                }));
            }
            if !article.is_empty() {
                article.push('\n');
            }
            article.push_str(&line);
        }
        (!article.trim().is_empty()).then(|| Ok(Document::new(article)))
    }
}

/// ` = Title = `, as opposed to the sections' ` = = Section = = `.
fn is_title(line: &str) -> bool {
    line.trim()
        .strip_prefix("= ")
        .and_then(|line| line.strip_suffix(" ="))
        .is_some_and(|title| !title.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_without_end_is_refused_when_it_is_over_the_bound() {
        let lines = std::io::Read::chain(&b" = A = \n"[..], std::io::repeat(b'\n'));
        let source = Source::new(lines, "pipe".into()).unwrap();
        let mut articles = WikiTextReader {
            lines: Lines::new(source).with_limit(1 << 16),
            title: None,
        };
        let message = articles.next().unwrap().unwrap_err().to_string();
        let expected = "pipe, line 1: a record of more than 65536 bytes; split it";
        assert_eq!(message, expected);
    }

    #[test]
    fn titles() {
        assert!(is_title(" = Homarus gammarus = "));
        for line in [
            " = = Description = = ",
            " a = b ",
            " = ",
            "",
            " = a",
            " = a = b = ",
        ] {
            assert!(!is_title(line), "{line:?}");
        }
    }
}
