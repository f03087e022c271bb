/* Field numbers that the core itself uses. One list, so that a test can hold
** every line against the generated schema.
** X(constant, number, message without "temporal.api.", field)
*/
#ifndef TP_WORKFLOW_FIELDS_H
#define TP_WORKFLOW_FIELDS_H

#define TP_WORKFLOW_FIELDS(X) \
  X(START_REQUEST_NAMESPACE, 1, \
    "workflowservice.v1.StartWorkflowExecutionRequest", "namespace") \
  X(START_REQUEST_WORKFLOW_ID, 2, \
    "workflowservice.v1.StartWorkflowExecutionRequest", "workflow_id") \
  X(START_REQUEST_WORKFLOW_TYPE, 3, \
    "workflowservice.v1.StartWorkflowExecutionRequest", "workflow_type") \
  X(START_REQUEST_TASK_QUEUE, 4, \
    "workflowservice.v1.StartWorkflowExecutionRequest", "task_queue") \
  X(START_REQUEST_INPUT, 5, \
    "workflowservice.v1.StartWorkflowExecutionRequest", "input") \
  X(START_REQUEST_EXECUTION_TIMEOUT, 6, \
    "workflowservice.v1.StartWorkflowExecutionRequest", \
    "workflow_execution_timeout") \
  X(START_REQUEST_RUN_TIMEOUT, 7, \
    "workflowservice.v1.StartWorkflowExecutionRequest", \
    "workflow_run_timeout") \
  X(START_REQUEST_TASK_TIMEOUT, 8, \
    "workflowservice.v1.StartWorkflowExecutionRequest", \
    "workflow_task_timeout") \
  X(START_REQUEST_IDENTITY, 9, \
    "workflowservice.v1.StartWorkflowExecutionRequest", "identity") \
  X(START_REQUEST_REQUEST_ID, 10, \
    "workflowservice.v1.StartWorkflowExecutionRequest", "request_id") \
  X(START_REQUEST_ID_REUSE_POLICY, 11, \
    "workflowservice.v1.StartWorkflowExecutionRequest", \
    "workflow_id_reuse_policy") \
  X(START_REQUEST_ID_CONFLICT_POLICY, 22, \
    "workflowservice.v1.StartWorkflowExecutionRequest", \
    "workflow_id_conflict_policy") \
  X(START_REQUEST_REQUEST_EAGER_EXECUTION, 17, \
    "workflowservice.v1.StartWorkflowExecutionRequest", \
    "request_eager_execution") \
  X(START_RESPONSE_RUN_ID, 1, \
    "workflowservice.v1.StartWorkflowExecutionResponse", "run_id") \
  X(START_RESPONSE_EAGER_WORKFLOW_TASK, 2, \
    "workflowservice.v1.StartWorkflowExecutionResponse", \
    "eager_workflow_task") \
  X(START_RESPONSE_STARTED, 3, \
    "workflowservice.v1.StartWorkflowExecutionResponse", "started") \
  X(START_RESPONSE_FIRST_EXECUTION_RUN_ID, 6, \
    "workflowservice.v1.StartWorkflowExecutionResponse", \
    "first_execution_run_id") \
  X(SIGNAL_START_RESPONSE_RUN_ID, 1, \
    "workflowservice.v1.SignalWithStartWorkflowExecutionResponse", "run_id") \
  X(SIGNAL_START_RESPONSE_STARTED, 2, \
    "workflowservice.v1.SignalWithStartWorkflowExecutionResponse", \
    "started") \
  X(SIGNAL_START_RESPONSE_FIRST_EXECUTION_RUN_ID, 4, \
    "workflowservice.v1.SignalWithStartWorkflowExecutionResponse", \
    "first_execution_run_id") \
  X(ALREADY_STARTED_RUN_ID, 2, \
    "errordetails.v1.WorkflowExecutionAlreadyStartedFailure", "run_id") \
  X(ALREADY_STARTED_FIRST_EXECUTION_RUN_ID, 3, \
    "errordetails.v1.WorkflowExecutionAlreadyStartedFailure", \
    "first_execution_run_id") \
  X(HISTORY_REQUEST_NAMESPACE, 1, \
    "workflowservice.v1.GetWorkflowExecutionHistoryRequest", "namespace") \
  X(HISTORY_REQUEST_EXECUTION, 2, \
    "workflowservice.v1.GetWorkflowExecutionHistoryRequest", "execution") \
  X(HISTORY_REQUEST_NEXT_PAGE_TOKEN, 4, \
    "workflowservice.v1.GetWorkflowExecutionHistoryRequest", \
    "next_page_token") \
  X(HISTORY_REQUEST_WAIT_NEW_EVENT, 5, \
    "workflowservice.v1.GetWorkflowExecutionHistoryRequest", \
    "wait_new_event") \
  X(HISTORY_REQUEST_HISTORY_EVENT_FILTER_TYPE, 6, \
    "workflowservice.v1.GetWorkflowExecutionHistoryRequest", \
    "history_event_filter_type") \
  X(HISTORY_REQUEST_SKIP_ARCHIVAL, 7, \
    "workflowservice.v1.GetWorkflowExecutionHistoryRequest", \
    "skip_archival") \
  X(WORKFLOW_TYPE_NAME, 1, "common.v1.WorkflowType", "name") \
  X(TASK_QUEUE_NAME, 1, "taskqueue.v1.TaskQueue", "name") \
  X(EXECUTION_WORKFLOW_ID, 1, "common.v1.WorkflowExecution", "workflow_id") \
  X(EXECUTION_RUN_ID, 2, "common.v1.WorkflowExecution", "run_id") \
  X(DESCRIBE_REQUEST_NAMESPACE, 1, \
    "workflowservice.v1.DescribeWorkflowExecutionRequest", "namespace") \
  X(DESCRIBE_REQUEST_EXECUTION, 2, \
    "workflowservice.v1.DescribeWorkflowExecutionRequest", "execution") \
  X(DESCRIBE_RESPONSE_INFO, 2, \
    "workflowservice.v1.DescribeWorkflowExecutionResponse", \
    "workflow_execution_info") \
  X(INFO_EXECUTION, 1, "workflow.v1.WorkflowExecutionInfo", "execution") \
  X(INFO_HISTORY_LENGTH, 6, "workflow.v1.WorkflowExecutionInfo", \
    "history_length") \
  X(EVENT_ID, 1, "history.v1.HistoryEvent", "event_id") \
  X(HISTORY_RESPONSE_HISTORY, 1, \
    "workflowservice.v1.GetWorkflowExecutionHistoryResponse", "history") \
  X(HISTORY_RESPONSE_RAW_HISTORY, 2, \
    "workflowservice.v1.GetWorkflowExecutionHistoryResponse", "raw_history") \
  X(HISTORY_RESPONSE_NEXT_PAGE_TOKEN, 3, \
    "workflowservice.v1.GetWorkflowExecutionHistoryResponse", \
    "next_page_token") \
  X(HISTORY_EVENTS, 1, "history.v1.History", "events") \
  X(DATA_BLOB_ENCODING_TYPE, 1, "common.v1.DataBlob", "encoding_type") \
  X(DATA_BLOB_DATA, 2, "common.v1.DataBlob", "data") \
  X(EVENT_COMPLETED, 7, "history.v1.HistoryEvent", \
    "workflow_execution_completed_event_attributes") \
  X(EVENT_FAILED, 8, "history.v1.HistoryEvent", \
    "workflow_execution_failed_event_attributes") \
  X(EVENT_TIMED_OUT, 9, "history.v1.HistoryEvent", \
    "workflow_execution_timed_out_event_attributes") \
  X(EVENT_CONTINUED_AS_NEW, 33, "history.v1.HistoryEvent", \
    "workflow_execution_continued_as_new_event_attributes") \
  X(COMPLETED_NEW_RUN_ID, 3, \
    "history.v1.WorkflowExecutionCompletedEventAttributes", \
    "new_execution_run_id") \
  X(FAILED_NEW_RUN_ID, 4, \
    "history.v1.WorkflowExecutionFailedEventAttributes", \
    "new_execution_run_id") \
  X(TIMED_OUT_NEW_RUN_ID, 2, \
    "history.v1.WorkflowExecutionTimedOutEventAttributes", \
    "new_execution_run_id") \
  X(CONTINUED_AS_NEW_NEW_RUN_ID, 1, \
    "history.v1.WorkflowExecutionContinuedAsNewEventAttributes", \
    "new_execution_run_id")

enum {
#define X(constant, number, message, field) constant = number,
  TP_WORKFLOW_FIELDS(X)
#undef X
  TP_WORKFLOW_FIELDS_END
};

#endif
